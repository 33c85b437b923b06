"use strict";
// The page of one running service: every half second an event with all that is shown.

const $ = (id) => document.getElementById(id);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const charts = new Map();  // by title: {plot, data, figure}
let paused = false, latest = null, stream = null, part = null;

// -- numbers as people read them ---------------------------------------------------------

function short(value, digits = 3) {
  if (value === null || value === undefined || !isFinite(value)) return "–";
  const size = Math.abs(value);
  for (const [unit, name] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]])
    if (size >= unit) return (value / (name === "k" ? 1e3 : unit)).toPrecision(digits) + " " + name;
  return size >= 100 || value === 0 ? String(Math.round(value)) : String(Number(value.toPrecision(digits)));
}

const whole = (n) => n === null || n === undefined ? "–" : Math.round(n).toLocaleString("en");

function span(seconds) {
  if (seconds === null || seconds === undefined || !isFinite(seconds)) return "–";
  for (const [unit, name] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"], [1e-3, "ms"]])
    if (Math.abs(seconds) >= unit) return short(seconds / unit) + " " + name;
  return short(seconds * 1e6) + " µs";
}

const signed = (value) => (value > 0 ? "+" : "") + short(value).replace("-", "−");
const percent = (share) => share === null || share === undefined ? "–" : (100 * share).toFixed(1) + " %";
const clock = (time) => new Date(time * 1000).toLocaleTimeString("en-GB");
const last = (column) => column && column.length ? column[column.length - 1] : undefined;

// -- elements ------------------------------------------------------------------------------

function make(kind, text, name) {
  const element = document.createElement(kind);
  if (text !== undefined) element.textContent = text;
  if (name) element.className = name;
  return element;
}

function panel(title, wide) {
  const id = "panel-" + encodeURIComponent(title.toLowerCase());
  let section = $(id);
  if (!section) {
    section = make("section", undefined, wide ? "wide" : "");
    section.id = id;
    const heading = make("h2", title);
    heading.id = id + "-title";
    section.setAttribute("aria-labelledby", heading.id);
    section.append(heading, make("p"), make("div"));
    $("panels").append(section);
  }
  section.hidden = false;
  section.used = true;
  return { section, note: section.children[1], body: section.children[2] };
}

function table(title, note, columns, rows, wide) {
  const { note: text, body, section } = panel(title, wide);
  text.textContent = note;
  body.className = "scroll";
  body.tabIndex = 0;
  body.setAttribute("role", "group");
  body.setAttribute("aria-label", title);
  const grid = make("table"), head = make("tr");
  for (const [name, word] of columns) {
    const cell = make("th", name, word ? "word" : "");
    cell.scope = "col";
    head.append(cell);
  }
  const top = make("thead"), rest = make("tbody");
  top.append(head);
  for (const row of rows) {
    const line = make("tr");
    row.forEach((value, at) => line.append(make("td", value, columns[at][1] ? "word" : "")));
    rest.append(line);
  }
  grid.append(top, rest);
  body.replaceChildren(grid);
  section.hidden = rows.length === 0;
}

function bars(title, note, entries, shown) {
  const { note: text, body } = panel(title);
  text.textContent = note;
  const list = make("dl", undefined, "bars"), most = Math.max(...entries.map((e) => Math.abs(e[1])), 1e-12);
  for (const [name, value] of entries) {
    const bar = make("div", undefined, value < 0 ? "bar down" : "bar"), holder = make("dd");
    bar.style.width = (100 * Math.abs(value)) / most + "%";
    holder.append(bar);
    list.append(make("dt", name), holder, make("dd", shown(value)));
  }
  body.replaceChildren(list);
}

// -- charts --------------------------------------------------------------------------------

function marks(plot) {
  const found = (latest && latest.learner && latest.learner.marks) || [], { ctx, bbox } = plot;
  for (const { time, text } of found) {
    const x = plot.valToPos(time, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.save();
    ctx.strokeStyle = colour(text.startsWith("drift") ? "bad" : "line");
    ctx.lineWidth = text.startsWith("drift") ? 2 : 1;
    ctx.setLineDash([4, 4]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  }
}

function chart(title, note, x, lines, { wide, overTime = true, unit = short, band } = {}) {
  const shown = lines.filter(([, column]) => column && column.some((v) => v !== null && v !== undefined));
  if (!x || !x.length || !shown.length) return;
  const { body, note: text } = panel(title, wide), names = shown.map(([name]) => name).join();
  text.textContent = note;
  body.setAttribute("role", "img");
  body.setAttribute("aria-label", `${title}: ` +
    shown.map(([name, column]) => `${name} ${unit(last(column.filter((v) => v !== null)))}`).join(", "));
  const data = [x, ...shown.map(([, column]) => column.map((v) => (v === undefined ? null : v)))];
  let known = charts.get(title);
  if (known && known.names !== names) { known.plot.destroy(); known = null; }
  if (!known) {
    const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 },
      ticks: { show: false }, font: "12px system-ui" };
    const series = shown.map(([name, , look = {}]) => ({
      label: name, stroke: colour(look.colour || "made"), width: look.width ?? 1.75,
      class: look.width === 0 ? "bound" : undefined,
      dash: look.dash, points: { show: false }, spanGaps: false, value: (_, v) => unit(v),
    }));
    const at = band ? band.map((name) => 1 + shown.findIndex(([own]) => own === name)) : [0, 0];
    known = { names, plot: new uPlot({
      width: Math.max(body.clientWidth, 200), height: wide ? 280 : 220,
      scales: { x: { time: overTime } },
      axes: [{ ...axis, space: 70,
        values: (_, all) => all.map((v) => (overTime ? clock(v) : whole(v))), size: 34 },
        { ...axis, size: 58, values: (_, all) => all.map((v) => unit(v)) }],
      series: [{ label: overTime ? "time" : "record",
        value: (_, v) => v === null ? "–" : overTime ? clock(v) : whole(v) }, ...series],
      bands: at.every((n) => n > 0) ? [{ series: at, fill: colour("band") }] : [],
      cursor: { points: { size: 6 } },
      hooks: overTime ? { draw: [marks] } : {},
    }, data, body) };
    charts.set(title, known);
  } else {
    known.plot.setData(data);
  }
  if (known.plot.cursor.idx === null || known.plot.cursor.left < 0)
    known.plot.setLegend({ idx: x.length - 1 });  // the newest, unless one is pointed at
}

function resize() {
  for (const { plot } of charts.values()) {
    const width = plot.root.parentElement.clientWidth;
    if (width && width !== plot.width) plot.setSize({ width, height: plot.height });
  }
}

function forget() {
  for (const { plot } of charts.values()) plot.destroy();
  charts.clear();
}

// -- what is shown ---------------------------------------------------------------------------

function tile(name, value, note = "", look = "") {
  const box = make("div");
  box.append(make("dt", name), make("dd", value), make("dd", note, "note " + look));
  return box;
}

function skill(history, own, naive, what) {
  const error = last(history[own]), simple = last(history[naive]);
  if (error === undefined || simple === undefined || simple === null || !simple) return ["", ""];
  const better = 1 - error / simple;
  return [`${Math.abs(100 * better).toFixed(0)} % ${better >= 0 ? "below" : "above"} the ${what}`,
    better >= 0 ? "good" : "bad"];
}

function tiles(event) {
  const learner = event.learner, history = learner ? learner.history : {}, found = [];
  const totals = learner ? learner.totals : {};
  found.push(tile("Records", whole(totals.consumed), `${short(last(history.rate))} a second`));
  if (history.rolling_accuracy) {
    const gain = last(history.rolling_accuracy) - (last(history.rolling_accuracy_last_class) ?? NaN);
    found.push(tile("Right of the last 1,000", percent(last(history.rolling_accuracy)),
      isFinite(gain) ? `${(100 * Math.abs(gain)).toFixed(1)} points ${gain >= 0 ? "above" : "below"} the last class` : "",
      gain >= 0 ? "good" : "bad"));
    if (history.rolling_log_loss) found.push(tile("Log loss", short(last(history.rolling_log_loss))));
  } else if (history.rolling_mae) {
    found.push(tile("Mean error, last 1,000", short(last(history.rolling_mae)),
      ...skill(history, "rolling_mae", "rolling_mae_last_value", "last value")));
  }
  if (history.bits_per_symbol_rolling)
    found.push(tile("Bits per symbol", short(last(history.bits_per_symbol_rolling))));
  if (history.interval_coverage)
    found.push(tile("Within the interval", percent(last(history.interval_coverage)), "of the last 1,000"));
  found.push(tile("Predict and learn one", span(last(history.update))));
  if (history.latency) found.push(tile("Record to prediction", span(last(history.latency))));
  const lag = event.parts.map((p) => p.lag).filter((v) => v !== null);
  if (lag.length) found.push(tile("Behind", short(lag.reduce((a, b) => a + b, 0)), "records"));
  found.push(tile("Refused", whole(totals.refused), totals.refused ? percent(totals.refused / totals.consumed) : ""));
  found.push(tile("Up for", span(event.time - event.started)));
  $("tiles").replaceChildren(...found);
}

function pictures(learner) {
  const { points, history, kind } = learner, time = history.time;
  const what = points.name ? ` of ${points.name}` : "";
  if (kind === "numbers")
    chart("Truth and prediction", `The last results${what}, by number of the record`, points.number, [
      ["lower", points.lower, { width: 0 }], ["upper", points.upper, { width: 0 }],
      ["truth", points.truth, { colour: "truth" }], ["prediction", points.prediction, {}],
    ], { wide: true, overTime: false, band: ["upper", "lower"] });
  if (kind === "classes")
    chart("Surprise", "1 − the probability that the true class had", points.number,
      [["surprise", points.surprise]], { wide: true, overTime: false });
  if (kind === "anomalies")
    chart("Anomaly score", "−log₁₀ of the false alarms to expect until the stream has doubled",
      points.number, [["score", points.score]], { wide: true, overTime: false });
  if (kind === "text")
    chart("Bits per symbol of each line", "", points.number, [["bits", points.bits]], { wide: true, overTime: false });
  chart("Error", "Mean absolute error of the last 1,000; dashed marks: drift, checkpoints", time, [
    ["this model", history.rolling_mae],
    ["last value", history.rolling_mae_last_value, { colour: "last", dash: [6, 3] }],
    ["mean so far", history.rolling_mae_running_mean, { colour: "mean", dash: [2, 3] }],
  ]);
  chart("Right", "Share of the last 1,000 classes", time, [
    ["this model", history.rolling_accuracy],
    ["last class", history.rolling_accuracy_last_class, { colour: "last", dash: [6, 3] }],
  ], { unit: percent });
  chart("Bits per symbol", "Recent lines", time, [["bits", history.bits_per_symbol_rolling]]);
  chart("Records a second", "", time, [["records", history.rate]]);
  chart("Time", "To predict and learn one record", time, [["per record", history.update]], { unit: span });
  chart("Latency", "From a record's timestamp to its published prediction", time,
    [["latency", history.latency]], { unit: span });
  chart("Norms", "Of all parameters, and of the last gradient", time, [
    ["parameters", history.parameter_norm],
    ["gradient", history.gradient_norm, { colour: "last", dash: [6, 3] }],
  ]);
}

function lists(event) {
  const learner = event.learner;
  if (learner.classes.length) {
    const all = learner.classes.reduce((sum, [, n]) => sum + n, 0);
    bars("Classes", "The most frequent so far", learner.classes, (n) => percent(n / all));
  }
  for (const { name, experts, season } of learner.series || [])
    bars(name ? `Experts of ${name}` : "Experts",
      season ? `Their weights; a season of ${season} records was found` : "Their weights; no season was found",
      Object.entries(experts).sort((a, b) => b[1] - a[1]), percent);
  if (learner.members)
    bars("Members", "How much each of them counts now",
      Object.entries(learner.members).sort((a, b) => b[1] - a[1]), percent);
  for (const { name, features } of learner.sensitivities || [])
    bars(name ? `Sensitivities of ${name}` : "Sensitivities",
      "Change of the prediction when a feature rises by one deviation, the others at their means",
      features.map(([feature, , effect]) => [feature, effect]), signed);
  if (learner.top.length)
    bars("What comes next", "After the last line", learner.top.map(([text, p]) => [JSON.stringify(text), p]), percent);
  const anomalies = learner.kind === "anomalies";
  table("Worst of late", anomalies ? "The highest scores of 15 minutes" :
    learner.kind === "classes" ? "Bits of surprise, in 15 minutes" :
    learner.kind === "text" ? "Deviation from usual lines, in 15 minutes" :
    "Errors as a multiple of the mean error, in 15 minutes",
    [["record"], ["time"], ["size"], [anomalies ? "field" : "truth", true], [anomalies ? "score" : "prediction", true]],
    learner.worst.map((w) => [(w.key === null ? "" : w.key + " · ") + whole(w.number), clock(w.time), short(w.size), w.truth, w.prediction]));
  table("Anomalies", "The newest first", [["record"], ["time"], ["score"], ["field", true], ["why", true]],
    learner.anomalies.map((w) => [(w.key === null ? "" : w.key + " · ") + whole(w.number), clock(w.time), short(w.size), w.truth, w.reason]), true);
  table("Largest errors by key", "Mean error of the last 20 or so records", [["key", true], ["error"], ["records"]],
    learner.keys.map(([key, error, count]) => [key, short(error), whole(count)]));
  if (event.parts.length > 1)
    table("Partitions", "Of this process", [["partition", true], ["records"], ["a second"], ["error"], ["behind"], ["refused"]],
      event.parts.map((p) => [p.part, whole(p.consumed), short(p.rate), short(p.error), whole(p.lag), whole(p.refused)]), true);
  table("Events", "Drift and checkpoints, the newest first", [["time"], ["what", true]],
    learner.marks.slice().reverse().slice(0, 20).map((m) => [clock(m.time), m.text]));
}

function status(event) {
  const text = event.reasons.length ? `${event.state}: not ready, ${event.reasons.join("; ")}` : `${event.state} and ready`;
  if ($("status").textContent !== text) $("status").textContent = text;  // it is read aloud
  $("status").className = event.reasons.length ? "bad" : "";
}

function choices(event) {
  const names = event.parts.map((p) => p.part), select = $("part");
  $("part-choice").hidden = names.length < 2;
  if (names.join() !== [...select.options].map((o) => o.value).join())
    select.replaceChildren(...names.map((name) => new Option(name, name, false, name === event.part)));
}

function draw(event) {
  latest = event;
  document.title = `${event.name} – stream-rnn`;
  $("name").textContent = event.name;
  const { estimator, cell, method, optimizer, loss } = event.model;
  $("model").textContent = [estimator, cell, method, optimizer, loss].filter(Boolean).join(" · ");
  $("seen").textContent = `as of ${clock(event.time)}`;
  status(event);
  choices(event);
  tiles(event);
  for (const section of $("panels").children) section.used = false;
  if (event.learner) { pictures(event.learner); lists(event); }
  for (const section of $("panels").children) if (!section.used) section.hidden = true;
  resize();
}

// -- the stream ------------------------------------------------------------------------------

function follow() {
  if (stream) stream.close();
  stream = new EventSource("events" + (part === null ? "" : "?part=" + encodeURIComponent(part)));
  stream.onmessage = (message) => { const event = JSON.parse(message.data); if (!paused) draw(event); };
  stream.onerror = () => {
    $("status").textContent = "The service does not answer; trying again";
    $("status").className = "bad";
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 1000);  // e.g. after a 503
  };
}

function theme(name) {
  document.documentElement.dataset.theme = name;
  $("theme").textContent = name === "dark" ? "Light" : "Dark";
  forget();
  if (latest) draw(latest);
}

$("pause").onclick = () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", paused);
};
$("theme").onclick = () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
$("part").onchange = () => { part = $("part").value; forget(); follow(); };
const dark = matchMedia("(prefers-color-scheme: dark)");
dark.onchange = () => theme(dark.matches ? "dark" : "light");
addEventListener("resize", resize);
theme(dark.matches ? "dark" : "light");
follow();
