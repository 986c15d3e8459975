// A map to click, to drag on, or to walk with the arrow keys. It reports where it was pressed as
// [x, y, gesture]; x and y are fractions of the view. A gesture is one press with its drag, or a row
// of arrow keys, and makes one step of the walk. The browser counts gestures, because the kernel
// sees only the last of several quick changes.

const inside = (v) => Math.min(Math.max(v, 0), 1);
function render({ model, el }) {
  const box = document.createElement("div");
  box.className = "wdlib-map";
  box.tabIndex = 0;
  box.setAttribute("role", "application");
  box.dataset.lmSuppressShortcuts = "true";  // JupyterLab's own use of the arrow keys
  const image = document.createElement("img");
  image.draggable = false;
  image.alt = "";
  const above = document.createElement("div");
  box.append(image, above);
  el.append(box);

  let [x, y] = model.get("here");
  let gesture = Date.now();
  let keys = false;
  const still = () => { image.src = model.get("image"); };
  const show = () => {
    [x, y] = model.get("here");
    above.innerHTML = model.get("marks");
    box.setAttribute("aria-label", model.get("label"));
  };
  const send = () => {
    model.set("pressed", [x, y, gesture]);
    model.save_changes();
  };
  const press = (event) => {
    const frame = image.getBoundingClientRect();
    x = inside((event.clientX - frame.left) / frame.width);
    y = inside((event.clientY - frame.top) / frame.height);
    send();
  };
  box.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    box.setPointerCapture(event.pointerId);
    gesture += 1;
    keys = false;
    press(event);
  });
  box.addEventListener("pointermove", (event) => { if (event.buttons & 1) press(event); });
  box.addEventListener("blur", () => { keys = false; });
  box.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1],
                 ArrowDown: [0, 1] }[event.key];
    if (!by || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (!keys) gesture += 1;
    keys = true;
    const far = event.shiftKey ? 0.1 : 0.02;
    x = inside(x + far * by[0]);
    y = inside(y + far * by[1]);
    send();
  });
  still();
  show();
  model.on("change:image", still);
  model.on("change:here change:marks change:label", show);
}
export default { render };
