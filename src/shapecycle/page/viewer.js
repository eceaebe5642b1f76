"use strict";

/* A mesh on a canvas, lit by harmonics as the renderer lights it; drag to turn, wheel to approach.

   World: the object's own frame, +y up, front +z. */
class Viewer {
  constructor(canvas) {
    this.canvas = canvas;
    this.renderer = new THREE.WebGLRenderer({
      canvas, antialias: true, alpha: true, preserveDrawingBuffer: true,
    });
    this.renderer.outputColorSpace = THREE.SRGBColorSpace;
    this.renderer.toneMapping = THREE.NoToneMapping;
    this.scene = new THREE.Scene();
    this.probe = new THREE.LightProbe();
    this.scene.add(this.probe);
    // Object and camera turn together: to them the light turns the other way.
    this.stage = new THREE.Group();
    this.scene.add(this.stage);
    this.camera = new THREE.PerspectiveCamera(30, 1, 0.01, 100);
    this.camera.position.set(1.2, 0.8, 2.2);
    this.stage.add(this.camera);
    this.points = new THREE.Group();
    this.stage.add(this.points);
    this.controls = new THREE.OrbitControls(this.camera, canvas);
    this.controls.enablePan = false;
    this.controls.minDistance = 0.8;
    this.controls.maxDistance = 20;
    this.controls.addEventListener("change", () => this.draw());
    canvas.tabIndex = 0;
    canvas.addEventListener("keydown", (event) => this.key(event));
    this.controls.addEventListener("start", () => { this.spinning = false; });
    this.frame = { fov: 0.5, aspect: 1 };
    this.object = null;
    this.isFlat = false;
    this.spinning = false;
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.resize();
  }

  /* Show the contents of a GLB file. */
  async load(contents) {
    const found = await new THREE.GLTFLoader().parseAsync(contents, "");
    if (this.object) {
      this.stage.remove(this.object);
      this.each((mesh) => {
        mesh.geometry.dispose();
        for (const one of [mesh.lit, mesh.flat]) { one.map?.dispose(); one.dispose(); }
      });
    }
    this.object = found.scene;
    this.each((mesh) => {
      const { map, color } = mesh.material;
      const look = { map, color, side: THREE.DoubleSide };
      mesh.lit = new THREE.MeshLambertMaterial(look);
      mesh.flat = new THREE.MeshBasicMaterial(look);
    });
    this.stage.add(this.object);
    this.flat(this.isFlat);
  }

  each(work) {
    this.object?.traverse((node) => { if (node.isMesh) work(node); });
  }

  /* Show albedo alone, or lit. */
  flat(isFlat) {
    this.isFlat = isFlat;
    this.each((mesh) => { mesh.material = isFlat ? mesh.flat : mesh.lit; });
    this.draw();
  }

  /* Nine rows of three numbers: harmonics of the shading in the object's frame, linear.

     three.js expects those of the light, which the cosine then weakens, band by band. */
  light(rows) {
    const bands = [1, 2 / 3, 2 / 3, 2 / 3, 1 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 4];
    rows.forEach((row, k) => {
      this.probe.sh.coefficients[k].set(...row).divideScalar(bands[k]);
    });
    this.draw();
  }

  turnLight(radians) {
    this.stage.rotation.y = -radians;
    this.draw();
  }

  /* Stand where the picture's camera stood: four rows of four, from the camera to the object. */
  stand(rows, fov, aspect) {
    this.frame = { fov, aspect };
    new THREE.Matrix4().set(...rows.flat()).decompose(
      this.camera.position, this.camera.quaternion, this.camera.scale,
    );
    // Turning begins around the point in the middle of the picture that is nearest to the object.
    const ahead = new THREE.Vector3(0, 0, -1).applyQuaternion(this.camera.quaternion);
    const away = Math.max(0.1, -this.camera.position.dot(ahead));
    this.controls.target.copy(this.camera.position).addScaledVector(ahead, away);
    this.resize();
  }

  morph(index, weight) {
    this.each((mesh) => {
      if (mesh.morphTargetInfluences) mesh.morphTargetInfluences[index] = weight;
    });
    this.draw();
  }

  /* Mark places, three numbers each, in colours by their order; none removes the marks. */
  mark(places) {
    for (const one of [...this.points.children]) {
      this.points.remove(one);
      one.geometry.dispose();
      one.material.dispose();
    }
    places.forEach((place, k) => {
      const color = new THREE.Color().setHSL(((k * 137) % 360) / 360, 0.9, 0.45);
      const dot = new THREE.Mesh(
        new THREE.SphereGeometry(0.012, 12, 8), new THREE.MeshBasicMaterial({ color }),
      );
      dot.position.set(...place);
      this.points.add(dot);
    });
    this.draw();
  }

  /* Arrows turn, plus and minus come closer and go away. */
  key(event) {
    const angle = { ArrowLeft: -0.1, ArrowRight: 0.1 }[event.key] ?? 0;
    const lift = { ArrowUp: 0.1, ArrowDown: -0.1 }[event.key] ?? 0;
    const factor = { "+": 0.9, "-": 1.1 }[event.key] ?? 1;
    if (!angle && !lift && factor === 1) return;
    event.preventDefault();
    this.spinning = false;
    const arm = this.camera.position.clone().sub(this.controls.target);
    const height = Math.max(-0.98, Math.min(0.98, arm.y / arm.length() + lift)) * arm.length();
    const flat = Math.sqrt(Math.max(1e-6, arm.lengthSq() - height * height)) / Math.hypot(arm.x, arm.z);
    arm.set(arm.x * flat, height, arm.z * flat).applyAxisAngle(new THREE.Vector3(0, 1, 0), angle);
    this.camera.position.copy(this.controls.target).addScaledVector(arm, factor);
    this.controls.update();
    this.draw();
  }

  spin(isOn) {
    this.spinning = isOn;
    let last = performance.now();
    const step = (now) => {
      if (!this.spinning) return;
      const angle = (now - last) * 0.0009;
      last = now;
      this.camera.position.sub(this.controls.target)
        .applyAxisAngle(new THREE.Vector3(0, 1, 0), angle).add(this.controls.target);
      this.controls.update();
      this.draw();
      requestAnimationFrame(step);
    };
    if (isOn) requestAnimationFrame(step);
  }

  resize() {
    const width = this.canvas.clientWidth || 1, height = this.canvas.clientHeight || 1;
    this.renderer.setPixelRatio(window.devicePixelRatio);
    this.renderer.setSize(width, height, false);
    const { fov, aspect } = this.frame;
    this.camera.aspect = width / height;
    // A canvas narrower than the picture still shows all of its width.
    const widen = Math.max(1, aspect / this.camera.aspect);
    this.camera.fov = (2 * Math.atan(Math.tan(fov / 2) * widen) * 180) / Math.PI;
    this.camera.updateProjectionMatrix();
    this.draw();
  }

  draw() {
    this.renderer.render(this.scene, this.camera);
  }
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer;
}

function save(contents, name, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([contents], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
