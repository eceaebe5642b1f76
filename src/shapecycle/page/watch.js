"use strict";

const $ = (id) => document.getElementById(id);
const SECONDS = 3;
/* What tells a person most: how well shapes are read, and pictures seen and drawn again. */
const MAIN = ["shape_distance", "shape_silhouette", "image_cycle_silhouette", "image_cycle_colour",
  "shape_cycle_pose", "shape_cycle_texture"];
let newest = null;

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "not known yet";
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function svg(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/* A small chart: the first and the last value are written, the rest is a line. */
function chart(name, points) {
  const width = 200, height = 54;
  const values = points.map((point) => point[1]);
  const low = Math.min(...values), high = Math.max(...values);
  const start = points[0][0], end = points[points.length - 1][0];
  const x = (at) => (end > start ? ((at - start) / (end - start)) * width : width / 2);
  const y = (value) => (high > low ? height - 3 - ((value - low) / (high - low)) * (height - 6) : height / 2);
  const line = points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  drawing.append(svg("polyline", { points: line }));
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const first = values[0].toPrecision(3), last = values[values.length - 1].toPrecision(3);
  const title = document.createElement("b");
  title.textContent = name.replaceAll("_", " ");
  caption.append(title, ` ${last} (from ${first})`);
  figure.append(drawing, caption);
  return figure;
}

function facts(found) {
  const status = found.status;
  const rows = [
    ["done", `${Math.round(100 * found.share)} %`],
    ["time left", duration(status.seconds_left)],
    ["stage", status.stage],
    ["images and shapes seen", (status.images ?? 0).toLocaleString("en")],
    ["a second", Math.round(status.images_per_second ?? 0)],
    ["time spent", duration(status.seconds)],
  ];
  $("facts").replaceChildren(...rows.map(([name, value]) => {
    const row = document.createElement("div");
    const term = document.createElement("dt"), detail = document.createElement("dd");
    term.textContent = name;
    detail.textContent = value;
    row.append(term, detail);
    return row;
  }));
}

function panels(names) {
  const select = $("panels");
  const before = [...select.options].map((option) => option.value);
  if (names.join() === before.join()) return;
  const isAtEnd = !select.value || select.value === newest;
  const kept = select.value;
  select.replaceChildren(...names.map((name) => {
    const option = document.createElement("option");
    option.value = name;
    option.textContent = `${Number(name.split(".")[0]).toLocaleString("en")} images`;
    return option;
  }));
  newest = names[names.length - 1];
  select.value = isAtEnd ? newest : kept;
  panel();
}

function panel() {
  if ($("panels").value) $("panel").src = `/api/panels/${encodeURIComponent($("panels").value)}`;
}

async function look() {
  try {
    const answer = await fetch("/api/progress");
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    $("fault").textContent = "";
    $("bar").value = found.share;
    if (found.status.stage) facts(found);
    const isDone = found.share > 0.999;
    $("line").textContent = isDone ? "done" :
      found.age > 60 ? `no news for ${duration(found.age)}: it stands still, or saves` : "training";
    const broken = Object.entries(found.broken)
      .map(([name, images]) => `${name} was no number after ${images.toLocaleString("en")} images`);
    $("doubts").replaceChildren(...broken.concat(found.status.doubts ?? []).map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }));
    panels(found.panels);
    $("turn").disabled = !found.has_model;
    const charts = (isMain) => Object.entries(found.curves)
      .filter(([name]) => MAIN.includes(name) === isMain)
      .map(([name, points]) => chart(name, points));
    $("curves").replaceChildren(...charts(true));
    $("others").replaceChildren(...charts(false));
    $("waiting").hidden = found.panels.length > 0;
    document.body.dataset.images = found.status.images ?? 0;
  } catch (fault) {
    $("fault").textContent = fault.message;
  }
  setTimeout(look, 1000 * SECONDS);
}

$("panels").addEventListener("change", panel);
$("turn").addEventListener("click", async () => {
  $("turn").disabled = true;
  $("turn-note").textContent = "drawing ...";
  try {
    const answer = await fetch("/api/turntable.gif");
    if (!answer.ok) throw new Error((await answer.json()).error);
    $("turntable").src = URL.createObjectURL(await answer.blob());
    $("turn-note").textContent = "";
  } catch (fault) {
    $("turn-note").textContent = fault.message;
  }
  $("turn").disabled = false;
});
look();
