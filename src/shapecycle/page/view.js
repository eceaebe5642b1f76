"use strict";

const PARTS = ["shape", "texture", "pose", "light"];
const viewer = new Viewer(document.getElementById("stage"));
const $ = (id) => document.getElementById(id);

/* What the server is asked for: where each part comes from, and how far it is moved. */
const composition = { hypothesis: 1, surface: "auto", along: { shape: [], texture: [], light: [] } };
const locked = { shape: false, texture: false, pose: false, light: false };
const inputs = new Map();
let chosen = null, shown = null, wanted = 0, isAsking = false;

async function ask(path, options) {
  const answer = await fetch(path, options);
  if (answer.ok) return answer;
  let told = { error: `the server answered ${answer.status}`, hint: "" };
  try { told = await answer.json(); } catch { /* a refusal in plain words */ }
  throw new Error(told.hint ? `${told.error} (${told.hint})` : told.error);
}

function tell(state) { $("state").textContent = state; }

/* Of the files that were given last. */
const faults = [];

function fail(fault) { $("fault").textContent = [...faults, fault?.message].filter(Boolean).join(" \u2022 "); }

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/* Ask for the object that the composition describes; while an answer is awaited only the last wish counts. */
async function make() {
  wanted += 1;
  if (isAsking) return;
  isAsking = true;
  try {
    let begun;
    do {
      begun = wanted;
      tell("computing ...");
      const answer = await ask("/api/objects", { method: "POST", body: JSON.stringify(composition) });
      const found = await answer.json();
      const mesh = await (await ask(`/api/objects/${found.key}/mesh.glb`)).arrayBuffer();
      await show(found, mesh);
    } while (begun !== wanted);
    tell("");
    fail(null);
  } catch (fault) {
    tell("");
    fail(fault);
  } finally {
    isAsking = false;
  }
}

async function show(found, mesh) {
  const view = JSON.stringify([found.object_from_camera, found.fov_y, found.aspect]);
  if (!shown || view !== shown.view) viewer.stand(found.object_from_camera, found.fov_y, found.aspect);
  viewer.light(found.light);
  await viewer.load(mesh);
  shown = { ...found, view };
  $("drawn").src = found.picture;
  const iou = found.silhouette_iou;
  $("drawn-note").textContent = iou === undefined ? "drawn" : `drawn: IoU ${iou.toFixed(3)}, ${found.surface}`;
  for (const [id, file] of [["glb", "mesh.glb"], ["png", "picture.png"], ["json", "code.json"]]) {
    $(id).href = `/api/objects/${found.key}/${file}`;
    $(id).download = `${found.name}.${id}`;
  }
  await points();
  document.body.dataset.shown = found.key;
}

async function points() {
  if (!shown) return;
  viewer.mark($("points").checked ? await (await ask(`/api/objects/${shown.key}/points`)).json() : []);
}

/* Give a file to the server, and make all parts of it that are not locked. */
async function take(file) {
  tell(`looking at ${file.name} ...`);
  try {
    const headers = { "x-name": encodeURIComponent(file.name) };
    const answer = await ask("/api/inputs", { method: "POST", body: file, headers });
    const found = await answer.json();
    inputs.set(found.key, found);
    choose(found.key);
  } catch (fault) {
    faults.push(fault.message);
    fail(null);
  }
  tell("");
}

/* Give some files; what went wrong with any of them stays to be read. */
async function take_all(files) {
  faults.length = 0;
  for (const file of files) await take(file);
  fail(null);
}

function choose(key) {
  chosen = key;
  composition.hypothesis = 1;
  // A mesh has a shape and nothing else.
  const isMesh = inputs.get(key).kind === "mesh";
  for (const part of PARTS) {
    if (!locked[part]) composition[part] = isMesh && part !== "shape" ? sampled() : { input: key };
  }
  still();
  render();
  make();
}

/* Put all sliders back. */
function still() {
  for (const slider of document.querySelectorAll("#sliders input")) {
    slider.value = 0;
    slider.nextElementSibling.textContent = "0";
  }
  for (const part of Object.keys(composition.along)) composition.along[part] = composition.along[part].map(() => 0);
}

function sampled() {
  return { seed: Math.floor(Math.random() * 2 ** 31) };
}

function shuffle() {
  for (const part of PARTS) if (!locked[part]) composition[part] = sampled();
  render();
  make();
}

/* Write everything that depends on inputs and composition. */
function render() {
  $("inputs").replaceChildren(...[...inputs.values()].map((one) => {
    const tile = element("button", { className: "tile", title: one.name },
      element("img", { src: one.picture, alt: "" }), one.name);
    tile.classList.toggle("chosen", one.key === chosen);
    tile.addEventListener("click", () => choose(one.key));
    return tile;
  }));
  const input = inputs.get(chosen);
  for (const [id, source] of [["input", input?.picture], ["mask", input?.mask]]) {
    if (source) $(id).src = source; else $(id).removeAttribute("src");
    $(id).parentElement.classList.toggle("empty", !source);
  }
  $("mask-origin").textContent = input?.mask_origin ? `mask: ${input.mask_origin}` : "mask";
  $("remarks").replaceChildren(...(input?.remarks ?? []).map((x) => element("li", { textContent: x })));
  $("hypotheses").hidden = !input?.hypotheses;
  $("poses").replaceChildren(...(input?.hypotheses ?? []).map((one, k) => {
    const name = `${one.azimuth}°: ${Math.round(100 * one.plausibility)} %`;
    const title = "azimuth, and how plausible; poses between these take the rest";
    const tile = element("button", { className: "tile", title },
      element("img", { src: one.picture, alt: "" }), name);
    tile.classList.toggle("chosen", composition.hypothesis === k + 1);
    tile.addEventListener("click", () => { composition.hypothesis = k + 1; render(); make(); });
    return tile;
  }));
  $("parts").replaceChildren(...PARTS.map(part_row));
}

function part_row(part) {
  const options = [...inputs.values()].map((one) => {
    const isHere = composition[part].input === one.key;
    return element("option", { value: one.key, textContent: one.name, selected: isHere });
  });
  const isSampled = composition[part].seed !== undefined;
  options.push(element("option", { value: "", textContent: "sampled", selected: isSampled }));
  const select = element("select", { name: part }, ...options);
  select.setAttribute("aria-label", part);
  select.addEventListener("change", () => {
    composition[part] = select.value ? { input: select.value } : sampled();
    make();
  });
  const box = element("input", { type: "checkbox", name: `lock-${part}`, checked: locked[part] });
  box.addEventListener("change", () => { locked[part] = box.checked; });
  return element("div", { className: "part" }, element("span", { textContent: part }), select,
    element("label", { title: "keep it when shuffling, and for the next input" }, box, "lock"));
}

function sliders(shares) {
  for (const [part, some] of Object.entries(shares)) {
    if (!some.length) continue;
    composition.along[part] = some.map(() => 0);
    const rows = some.map((share, k) => {
      const slider = element("input", { type: "range", min: -3, max: 3, step: 0.1, value: 0 });
      slider.name = `${part}-${k + 1}`;
      const value = element("output", { textContent: "0" });
      slider.addEventListener("input", () => {
        value.textContent = slider.value;
        composition.along[part][k] = Number(slider.value);
        make();
      });
      const title = `explains ${Math.round(100 * share)} % of what differs`;
      return element("label", { title }, element("span", { textContent: `${part} ${k + 1}` }), slider, value);
    });
    const more = element("details", { open: part === "shape" },
      element("summary", { textContent: `Move the ${part}` }), ...rows);
    $("sliders").append(more);
  }
  const back = element("button", { textContent: "All to 0" });
  back.addEventListener("click", () => { still(); make(); });
  $("sliders").append(element("div", { className: "row" }, back));
}

addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dropping"); });
addEventListener("dragleave", () => document.body.classList.remove("dropping"));
addEventListener("drop", async (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  await take_all(event.dataTransfer.files);
});
$("choose").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", async () => {
  await take_all([...$("file").files]);
  $("file").value = "";
});
$("shuffle").addEventListener("click", shuffle);
$("surface").addEventListener("change", () => { composition.surface = $("surface").value; make(); });
$("points").addEventListener("change", () => points().catch(fail));
$("flat").addEventListener("change", () => viewer.flat($("flat").checked));
$("spin").addEventListener("click", () => viewer.spin(!viewer.spinning));
$("home").addEventListener("click", () => {
  viewer.spin(false);
  if (shown) viewer.stand(shown.object_from_camera, shown.fov_y, shown.aspect);
});

(async () => {
  tell("loading the model ...");
  try {
    const model = await (await ask("/api/model")).json();
    sliders(model.sliders);
    $("surface").parentElement.hidden = !model.has_memory;
    shuffle();
  } catch (fault) {
    tell("");
    fail(fault);
  }
})();
