"use strict";

(async () => {
  const scene = JSON.parse(document.getElementById("scene").textContent);
  const contents = bytesOf(scene.glb);
  const viewer = new Viewer(document.getElementById("stage"));
  const home = () => viewer.stand(scene.object_from_camera, scene.fov_y, scene.aspect);
  home();
  viewer.light(scene.light);
  await viewer.load(contents.slice(0));

  const shapes = document.getElementById("shapes");
  scene.morphs.forEach((name, k) => {
    const label = document.createElement("label");
    const title = document.createElement("span");
    title.textContent = name;
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: -3, max: 3, step: 0.05, value: 0 });
    const value = document.createElement("output");
    value.textContent = "0";
    slider.addEventListener("input", () => {
      value.textContent = slider.value;
      viewer.morph(k, Number(slider.value));
    });
    label.append(title, slider, value);
    shapes.append(label);
  });
  shapes.hidden = scene.morphs.length === 0;

  const light = document.getElementById("light");
  light.addEventListener("input", () => {
    light.nextElementSibling.textContent = `${light.value}°`;
    viewer.turnLight((light.value * Math.PI) / 180);
  });
  const flat = document.getElementById("flat");
  flat.addEventListener("change", () => viewer.flat(flat.checked));
  document.getElementById("home").addEventListener("click", () => { viewer.spin(false); home(); });
  document.getElementById("spin").addEventListener("click", () => viewer.spin(!viewer.spinning));
  document.getElementById("download").addEventListener("click", () => {
    save(contents, `${scene.name}.glb`, "model/gltf-binary");
  });
  document.body.dataset.ready = "yes";
})();
