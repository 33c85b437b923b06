"""What is in deploy/ works: checked by the tools that will read it, run where it can be run."""

import base64
import json
import re
import runpy
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml

from stream_rnn.assembly.exactly_once import delivery
from stream_rnn.assembly.parts import task
from stream_rnn.config import load, parse
from stream_rnn.metrics import FAMILIES, HISTOGRAMS, PREFIX

DEPLOY = Path(__file__).parent.parent / "deploy"
EXAMPLES = sorted(DEPLOY.glob("examples/*.toml"))
BESIDE = Path(sys.executable).parent  # where the tools of this environment are
KUBERNETES = "1.30"
PROBES = {"startup": "/healthz", "readiness": "/readyz", "liveness": "/healthz"}


def check(*command, cwd=DEPLOY, **options):
    """Run a tool that must be there and must be content."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# -- broker ------------------------------------------------------------------------------


def test_no_cluster_id_looks_like_an_option(monkeypatch):
    monkeypatch.syspath_prepend(DEPLOY / "kafka")
    make = runpy.run_path(str(DEPLOY / "kafka" / "broker.py"))["cluster_id"]
    made = {make() for _ in range(2000)}  # one in 64 would, if nothing kept it from that
    assert len(made) == 2000
    assert all(len(base64.urlsafe_b64decode(one + "==")) == 16 for one in made)
    assert not [one for one in made if one.startswith("-")]


# -- examples ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_a_working_configuration(path):
    config = load(path)
    task(config)  # raises for what cannot be
    delivery(config)


def test_the_file_example_runs(tmp_path):
    rows = [f"2024-01-{1 + n // 24:02d}T{n % 24:02d}:00:00,{n % 24}" for n in range(300)]
    (tmp_path / "taxi.csv").write_text("\n".join(["time,riders", *rows, ""]))
    command = [sys.executable, "-m", "stream_rnn", "-q", "run", DEPLOY / "examples" / "file.toml"]
    check(*command, "--set", "metrics.port=0", cwd=tmp_path)
    lines = (tmp_path / "predictions.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    assert len(lines) == 300
    assert last["time"] == "2024-01-13T11:00:00"
    assert abs(last["prediction"] - last["target"]) < 12


# -- Prometheus --------------------------------------------------------------------------


def test_prometheus_configuration_and_rules():
    check("promtool", "check", "config", "prometheus/prometheus.yml")
    check("promtool", "check", "rules", "prometheus/rules.yml")


def test_alerts_fire_when_they_must_and_not_otherwise():
    check("promtool", "test", "rules", "rules_test.yml", cwd=DEPLOY / "prometheus")


def test_every_alert_is_tested_both_ways():
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())
    alerts = {r["alert"] for g in rules["groups"] for r in g["rules"] if "alert" in r}
    tests = yaml.safe_load((DEPLOY / "prometheus" / "rules_test.yml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    assert {c["alertname"] for c in cases if c["exp_alerts"]} == alerts
    assert {c["alertname"] for c in cases if not c["exp_alerts"]} == alerts


def known_metrics():
    names = {PREFIX + name for name in FAMILIES} | {f"{PREFIX}state", f"{PREFIX}build_info"}
    return names | {f"{PREFIX}{name}_bucket" for name in HISTOGRAMS}


def dashboard():
    return json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())


def expressions():
    return [
        (panel["title"], target["expr"])
        for panel in dashboard()["panels"]
        for target in panel.get("targets", [])
    ] + [(mark["name"], mark["expr"]) for mark in dashboard()["annotations"]["list"]]


def test_rules_and_dashboard_use_metrics_that_exist():
    text = (DEPLOY / "prometheus" / "rules.yml").read_text()
    used = set(re.findall(r"\bstream_rnn_\w+", text)) - {"stream_rnn_state"}
    for _, expression in expressions():
        used |= set(re.findall(r"\bstream_rnn_\w+", expression))
    assert used - known_metrics() == set()
    shown = {name for _, e in expressions() for name in re.findall(r"\bstream_rnn_\w+", e)}
    assert known_metrics() - shown == set(), "every metric is on the dashboard"


# -- Grafana: every expression against a Prometheus that scraped the program ----------------

COUNTERS = ("records_consumed", "records_dead_lettered", "loss_observations")
FOLLOWED = """
source = {type = "file", path = "in.jsonl", follow = true}
sink = {type = "file", path = "out.jsonl"}
checkpoint = {url = "checkpoints", every_seconds = 0.5}
features.target = "y"
metrics.port = 0
[estimator]
type = "regressor"
cell = {type = "LSTM", units = 4}
"""


@pytest.fixture(scope="module")
def scraped(tmp_path_factory):
    """A running pipeline and a Prometheus that has scraped it: `query(expression)`."""
    folder = tmp_path_factory.mktemp("scraped")
    (folder / "pipeline.toml").write_text(FOLLOWED)
    feed = open(folder / "in.jsonl", "a", buffering=1)  # noqa: SIM115  closed below
    program = subprocess.Popen(
        [sys.executable, "-m", "stream_rnn", "run", "pipeline.toml"],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    server = None
    try:
        found = re.search(r"http://(127\.0\.0\.1:\d+)/metrics", program.stderr.readline())
        port = free_port()
        server = start_prometheus(folder, found[1], port)
        deadline = time.monotonic() + 120
        while not is_moving(port) and time.monotonic() < deadline:
            feed.writelines(f'{{"u": {m % 7}, "y": {m % 5}}}\n' for m in range(50))
            feed.write("{broken\n")
            time.sleep(0.25)
        assert is_moving(port), "Prometheus has not scraped a pipeline at work within 120 s"
        time.sleep(3)  # the recording rules take two rounds
        text = urllib.request.urlopen(f"http://{found[1]}/metrics", timeout=5).read().decode()
        yield port, text
    finally:
        feed.close()
        for process in (program, server):
            if process is not None:
                process.terminate()
                process.communicate(timeout=30)


def start_prometheus(folder, target, port):
    settings = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(DEPLOY / "prometheus" / "rules.yml")],
        "scrape_configs": [
            {"job_name": "stream-rnn", "static_configs": [{"targets": [target]}]},
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    return subprocess.Popen(
        [
            "prometheus",
            "--config.file=prometheus.yml",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ],
        cwd=folder,
        stderr=subprocess.DEVNULL,
    )


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_moving(port):
    """Whether several scrapes have seen records being learned and refused."""
    series = [query(port, f"stream_rnn_{name}_total[30s]") for name in COUNTERS]
    values = [[float(v) for _, v in found[0]["values"]] for found in series if found]
    return len(values) == len(COUNTERS) and all(len(v) > 4 and v[-1] > v[-4] > 0 for v in values)


def query(port, expression):
    """The result of an expression; nothing while Prometheus is still starting."""
    words = urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/api/v1/query?{words}", timeout=5
        ) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        if error.code == 503:
            return []
        raise AssertionError(f"{expression}: {error.read().decode()}") from None
    except urllib.error.URLError:
        return []
    assert answer["status"] == "success", answer
    assert not answer.get("warnings")
    return answer["data"]["result"]


def fill_in(expression):
    for name in ("$job", "$instance", "$learner"):
        expression = expression.replace(name, ".*")
    return expression.replace("$__rate_interval", "30s")


def test_dashboard_expressions_on_a_scraped_program(scraped):
    port, text = scraped
    assert len(expressions()) > 30
    with_data = 0
    for title, expression in expressions():
        filled = fill_in(expression)
        assert "$" not in filled
        result = query(port, filled)  # a faulty expression fails here
        names = set(re.findall(r"\bstream_rnn_\w+", filled))
        reported = all(re.search(rf"^{name}[ {{]", text, re.MULTILINE) for name in names)
        # A mark on the time line has a result only when there is something to mark.
        assert bool(result) == reported or filled.endswith("> 0"), f"{title}: {filled}"
        with_data += bool(result)
    assert with_data > 20


def test_dashboard_variables_on_a_scraped_program(scraped):
    port, _ = scraped
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"])
            series = query(port, fill_in(found[1]))
            assert {found[2]} <= set(series[0]["metric"])


def test_recording_rules_on_a_scraped_program(scraped):
    port, _ = scraped
    expected = [("records_consumed:rate5m", 0.0), ("dead_letters:ratio5m", 1e-3)]
    for rule, least in [*expected, ("loss:mean1h", 0.0)]:
        deadline = time.monotonic() + 60  # rules are evaluated late on a busy machine
        while not (found := query(port, f"stream_rnn:{rule}")) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert float(found[0]["value"][1]) > least


# Fields of variables and annotations that Grafana reads and its published models leave out.
BEYOND_THE_MODELS = {"definition", "titleFormat", "textFormat", "step"}


def test_grafanas_own_models_know_every_field_of_the_dashboard():
    """What they do not know they drop, so that it is missing where it is written again."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    register_default_plugins()
    read = Dashboard.from_json(dashboard())
    assert lost(dashboard(), json.loads(JSONEncoder().encode(read))) == []
    wrong = dashboard()
    wrong["panels"][1]["fieldConfig"]["defaults"]["unitt"] = "s"
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(wrong)))
    assert lost(wrong, again) == ["panels.1.fieldConfig.defaults.unitt"]


def lost(told, back, place=""):
    """The places of *told* that are not, or are otherwise, in *back*."""
    if isinstance(told, list) and isinstance(back, list) and len(told) == len(back):
        told, back = dict(enumerate(told)), dict(enumerate(back))
    elif not (isinstance(told, dict) and isinstance(back, dict)):
        return [] if told == back else [place]
    found = []
    for name, part in told.items():
        inner = f"{place}.{name}".lstrip(".")
        if not (".list." in place and name in BEYOND_THE_MODELS):
            found += lost(part, back[name], inner) if name in back else [inner]
    return found


def test_grafana_provisioning_points_at_the_dashboard():
    folder = DEPLOY / "grafana" / "provisioning"
    source = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text())
    provider = yaml.safe_load((folder / "dashboards" / "stream-rnn.yaml").read_text())
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    mounted = [volume.split(":")[1] for volume in compose["services"]["grafana"]["volumes"]]
    target = provider["providers"][0]["options"]["path"]
    assert any(path.startswith(f"{target}/") for path in mounted)
    assert source["datasources"][0]["url"] == "http://prometheus:9090"
    identifiers = [panel["id"] for panel in dashboard()["panels"]]
    assert len(set(identifiers)) == len(identifiers)
    [chosen] = [v for v in dashboard()["templating"]["list"] if v["type"] == "datasource"]
    assert chosen["query"] == source["datasources"][0]["type"]
    own = {"type": chosen["query"], "uid": f"${{{chosen['name']}}}"}
    parts = [t for panel in dashboard()["panels"] for t in (panel, *panel.get("targets", []))]
    assert all(part.get("datasource", own) == own for part in parts)
    used = {place for panel in dashboard()["panels"] for place in squares(panel["gridPos"])}
    assert len(used) == sum(p["gridPos"]["h"] * p["gridPos"]["w"] for p in dashboard()["panels"])


def squares(place):
    """Of the dashboard's grid: no two panels share one."""
    return [(place["x"] + i, place["y"] + j) for i in range(place["w"]) for j in range(place["h"])]


# -- systemd -----------------------------------------------------------------------------


def test_systemd_unit(tmp_path):
    """Verified with this machine's program in the place of the installed one."""
    unit = (DEPLOY / "systemd" / "stream-rnn@.service").read_text()
    installed = "/opt/stream-rnn/bin/stream-rnn"
    assert installed in unit
    here = Path(sys.executable).parent / "stream-rnn"
    (tmp_path / "stream-rnn@.service").write_text(unit.replace(installed, str(here), 2))
    check("systemd-analyze", "verify", "--man=no", str(tmp_path / "stream-rnn@.service"))
    report = check(
        *("systemd-analyze", "security", "--offline=true", "--no-pager"),
        str(tmp_path / "stream-rnn@.service"),
    )
    exposure = float(re.search(r"exposure level for .*: ([\d.]+)", report)[1])
    assert exposure < 2.5


def test_systemd_does_not_restart_what_a_person_must_mend():
    from stream_rnn.cli.app import EPILOG

    unit = (DEPLOY / "systemd" / "stream-rnn@.service").read_text()
    assert "RestartPreventExitStatus=2 3 4" in unit
    assert all(status in EPILOG for status in ("2 wrong", "3 a checkpoint", "4 stopped"))


# -- containers and Kubernetes -----------------------------------------------------------


def test_compose_file():
    check(BESIDE / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml")
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    for service in compose["services"].values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), "nothing listens outside this machine"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            inside = source in compose["volumes"] or (DEPLOY / source).exists()
            assert inside, source
    assert (DEPLOY / compose["services"]["stream-rnn"]["build"]["context"]).resolve() == (
        DEPLOY.parent
    )


def test_dockerfile():
    check(BESIDE / "hadolint", "Dockerfile")
    text = (DEPLOY / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.*)", text, re.MULTILINE):
        for name in line.split()[:-1]:
            assert (DEPLOY.parent / name).exists(), name
            allowed = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
            assert f"!{name}" in allowed
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]
    for extra in re.findall(r"'\.\[(.*)\]'", text):
        assert extra in project["optional-dependencies"]


def manifests():
    folder = DEPLOY / "kubernetes"
    named = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    files = sorted(set(folder.glob("*.yaml")) - {folder / "kustomization.yaml"})
    assert [file.name for file in files] == named  # either way the same is applied
    return [m for file in files for m in yaml.safe_load_all(file.read_text())]


def test_kubernetes_manifests_fit_the_schema():
    import kubernetes_validate

    kinds = []
    for manifest in manifests():
        assert manifest["kind"] == "Namespace" or manifest["metadata"]["namespace"] == "stream-rnn"
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
        kinds.append(manifest["kind"])
    assert kinds[0] == "Namespace"  # they are applied in the order of their files
    assert sorted(kinds[1:]) == [
        *("ConfigMap", "NetworkPolicy", "PodDisruptionBudget", "Service", "StatefulSet"),
    ]


def test_kubernetes_manifests_fit_together():
    by_kind = {manifest["kind"]: manifest for manifest in manifests()}
    pod = by_kind["StatefulSet"]["spec"]["template"]
    labels = pod["metadata"]["labels"]
    assert by_kind["Service"]["spec"]["selector"] == labels
    assert by_kind["StatefulSet"]["spec"]["selector"]["matchLabels"] == labels
    assert by_kind["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert by_kind["StatefulSet"]["spec"]["serviceName"] == by_kind["Service"]["metadata"]["name"]
    assert by_kind["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    container = pod["spec"]["containers"][0]
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in PROBES}
    assert {name: probe["path"] for name, probe in probes.items()} == PROBES
    assert {probe["port"] for probe in probes.values()} == {container["ports"][0]["name"]}
    volumes = {volume["name"] for volume in pod["spec"]["volumes"]} | {"state"}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    config = next(v for v in pod["spec"]["volumes"] if "configMap" in v)
    assert config["configMap"]["name"] == by_kind["ConfigMap"]["metadata"]["name"]
    config = parse(by_kind["ConfigMap"]["data"]["pipeline.toml"])
    task(config)
    assert delivery(config) == "exactly-once"
    assert container["args"][-1] == "/etc/stream-rnn/pipeline.toml"
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]
    assert container["image"] == f"stream-rnn:{project['version']}"


def test_every_metric_and_alert_is_explained():
    page = (DEPLOY.parent / "docs" / "operations.md").read_text()
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())
    alerts = [r["alert"] for g in rules["groups"] for r in g["rules"] if "alert" in r]
    for name in (*FAMILIES, *HISTOGRAMS, *alerts):
        assert f"| `{name}`" in page, name
