"""The page in a real browser: it draws, follows, comes back, asks nobody else, can be read."""

import re
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from average import Linear
from browser import chromium, complaints, requests
from endless import Endless
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from connectors.memory import MemorySink
from stream_rnn import LSTM, RecurrentRegressor
from stream_rnn.config.schema import Http
from stream_rnn.features.rows import Rows
from stream_rnn.metrics import Metrics
from stream_rnn.service.pipeline import Pipeline
from stream_rnn.service.task import Task
from stream_rnn.web import Site, serve

AXE = Path(__file__).parent / "data" / "axe" / "axe.min.js"
INK = """
const found = {};
for (const section of document.querySelectorAll("section:not([hidden])")) {
  const canvas = section.querySelector("canvas");
  if (!canvas) continue;
  const copy = document.createElement("canvas"), { width, height } = canvas;
  Object.assign(copy, { width, height });
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  let ink = 0;
  for (let at = 3; at < data.length; at += 4) ink += data[at] > 0;
  found[section.querySelector("h2").textContent] = ink;
}
return found;
"""


@contextmanager
def running(port=0, name="taxi", model=None):
    """A service with a page, until the end of the block."""
    site = Site(Metrics(name))
    server = serve(site, port=port)
    stop = threading.Event()
    task = Task(model or Linear(rate=1e-4), Rows("load"))
    line = Pipeline(Endless(300), task, Forgetful(), observers=site.observers)
    thread = threading.Thread(target=line.run, args=(stop,))
    thread.start()
    try:
        yield server
    finally:
        stop.set()
        thread.join()
        server.close()


class Forgetful(MemorySink):
    def write(self, rows): ...


@pytest.fixture(scope="module")
def driver():
    with chromium() as driver:
        yield driver


def until(driver, condition, seconds=10):
    return WebDriverWait(driver, seconds, 0.1).until(condition)


def tile(driver, name):
    """The lines below a tile's name; None if there is no such tile."""
    texts = driver.execute_script(
        "return [...document.querySelectorAll('#tiles > div')].map((box) => box.innerText)"
    )
    found = [text.split("\n")[1:] for text in texts if text.split("\n")[0] == name]
    return found[0] if found else None


def records(driver):
    return int(tile(driver, "Records")[0].replace(",", ""))


def test_charts_are_drawn_and_follow_the_stream(driver):
    with running() as server:
        driver.get(server.root)
        until(
            driver, lambda d: tile(d, "Mean error, last 1,000") and "Error" in d.execute_script(INK)
        )
        ink = driver.execute_script(INK)
        assert {"Truth and prediction", "Error", "Records a second", "Latency"} <= set(ink)
        assert min(ink.values()) > 500
        before, at = records(driver), time.monotonic()
        until(driver, lambda d: records(d) > before, 2)
        assert time.monotonic() - at < 2
        assert driver.title == "taxi – stream-rnn"
        assert driver.find_element(By.ID, "status").text == "running and ready"
        asked = {urlsplit(url).netloc for url in requests(driver)}
        assert asked == {urlsplit(server.root).netloc}
        assert complaints(driver) == []


def bars(driver, title):
    """What a panel of bars says: name and text, the longest first."""
    return driver.execute_script(
        "const found = [...document.querySelectorAll('section:not([hidden])')]"
        ".find((one) => one.querySelector('h2').textContent === arguments[0]);"
        "return found ? [...found.querySelectorAll('dt')].map("
        "(dt) => [dt.textContent, dt.nextSibling.nextSibling.textContent]) : []",
        title,
    )


def test_members_and_sensitivities_are_drawn(driver):
    model = RecurrentRegressor(LSTM(4), seed=1)
    model.member_weights = lambda: {"left": 0.25, "right": 0.75}
    with running(model=model) as server:
        driver.get(server.root)
        until(driver, lambda d: bars(d, "Sensitivities"), 30)
        assert bars(driver, "Members") == [["right", "75.0 %"], ["left", "25.0 %"]]
        [[name, effect]] = bars(driver, "Sensitivities")
        assert name == "hour"
        assert re.fullmatch(r"[+−]?[\d.]+", effect)
        assert complaints(driver) == []


def test_it_comes_back_with_the_service(driver):
    with running() as server:
        driver.get(server.root)
        until(driver, lambda d: tile(d, "Records"))
    until(driver, lambda d: "does not answer" in d.find_element(By.ID, "status").text)
    with running(server.port, name="again"):
        until(driver, lambda d: d.title == "again – stream-rnn" and records(d) > 0, 15)
    errors = [line for line in complaints(driver) if "ERR_CONNECTION_REFUSED" not in line]
    assert [line for line in errors if "net::" not in line] == []


def test_pause_theme_and_keyboard(driver):
    with running() as server:
        driver.get(server.root)
        until(driver, lambda d: tile(d, "Records"))
        body = driver.find_element(By.TAG_NAME, "body")
        body.send_keys(Keys.TAB)
        assert driver.switch_to.active_element.text == "To the figures"
        driver.switch_to.active_element.send_keys(Keys.TAB)
        pause = driver.switch_to.active_element
        assert pause.text == "Pause"
        pause.send_keys(Keys.SPACE)
        assert pause.get_attribute("aria-pressed") == "true"
        paused = records(driver)
        time.sleep(1.2)
        assert records(driver) == paused
        pause.send_keys(Keys.SPACE)
        until(driver, lambda d: records(d) > paused)
        ground = "return getComputedStyle(document.body).backgroundColor"
        light = driver.execute_script(ground)
        pause.send_keys(Keys.TAB)
        driver.switch_to.active_element.send_keys(Keys.ENTER)
        assert driver.execute_script(ground) != light
        assert min(driver.execute_script(INK).values()) > 500


@pytest.mark.parametrize(("width", "dark"), [(1360, False), (1360, True), (390, False)])
def test_no_serious_fault_of_accessibility(width, dark):
    with running() as server, chromium(width, 900, dark) as driver:
        driver.get(server.root)
        until(driver, lambda d: len(d.execute_script(INK)) >= 4)
        inside = driver.execute_script("return document.documentElement.scrollWidth")
        assert inside <= width, "nothing is beside the page"
        driver.execute_script("document.getElementById('pause').click();" + AXE.read_text())
        report = driver.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
        serious = [
            (fault["id"], [node["html"] for node in fault["nodes"]])
            for fault in report["violations"]
            if fault["impact"] in ("serious", "critical", "moderate")
        ]
        assert serious == []
        assert len(report["passes"]) > 15


def test_the_page_is_for_this_machine_unless_it_is_asked_for():
    assert Site(Metrics()).has_page
    assert not Site(Metrics(), host="0.0.0.0").has_page
    assert Site(Metrics(), Http(page=True), "0.0.0.0").has_page
    server = serve(Site(Metrics(), Http(page=False)), port=0)
    try:
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(server.root, timeout=5)
    finally:
        server.close()


def test_a_name_that_is_made_to_mean_this_machine_is_refused():
    server = serve(Site(Metrics()), port=0)
    try:
        for path in ("", "events", "state"):
            request = urllib.request.Request(server.root + path, headers={"Host": "evil.example"})
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(request, timeout=5)
    finally:
        server.close()
