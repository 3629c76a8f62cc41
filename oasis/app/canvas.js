// The canvas of the tab Draw. It only previews: a finished stroke goes to the server as a line and a class, and the
// server, which draws ids, sends back the map. So no colour is ever read from a picture.
const picture = element.querySelector("img.map");
const canvas = element.querySelector("canvas.stroke");
const chips = element.querySelector(".brushes");
const size = element.querySelector(".size input");
const fill = element.querySelector(".fill input");
const hint = element.querySelector(".hint");
const brushes = props.brushes;
let brush = brushes.find((each) => each.name === "car") || brushes[0];
let points = null;

function choose(chosen) {
  brush = chosen;
  for (const chip of chips.children) {
    const own = chip.dataset.rawId === String(chosen.raw_id);
    chip.setAttribute("aria-checked", own ? "true" : "false");
    chip.tabIndex = own ? 0 : -1;
  }
  hint.textContent = chosen.is_thing ? `each stroke is a new ${chosen.name}` : "";
}

for (const each of brushes) {
  const chip = document.createElement("button");
  chip.type = "button";
  chip.className = "chip";
  chip.dataset.rawId = each.raw_id;
  chip.dataset.name = each.name;
  chip.setAttribute("role", "radio");
  const color = document.createElement("i");
  color.style.background = `rgb(${each.color.join(",")})`;
  chip.append(color, each.name);
  chip.addEventListener("click", () => choose(each));
  chips.append(chip);
}
choose(brush);

chips.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const next = (brushes.indexOf(brush) + step + brushes.length) % brushes.length;
  choose(brushes[next]);
  chips.children[next].focus();
});

const radius = () => Number(size.value) / 200; // a share of the height

function place(event) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

function clear() {
  const box = canvas.getBoundingClientRect();
  canvas.width = Math.max(1, Math.round(box.width));
  canvas.height = Math.max(1, Math.round(box.height));
}

function preview() {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  const color = `rgb(${brush.color.join(",")})`;
  context.clearRect(0, 0, width, height);
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = Math.max(1, 2 * radius() * height);
  context.strokeStyle = context.fillStyle = color;
  context.beginPath();
  context.moveTo(points[0][0] * width, points[0][1] * height);
  for (const [x, y] of points) context.lineTo(x * width, y * height + (points.length === 1 ? 0.01 : 0));
  context.stroke();
  if (fill.checked) context.fill();
}

canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !picture.getAttribute("src")) return;
  event.preventDefault();
  canvas.setPointerCapture(event.pointerId);
  clear();
  points = [place(event)];
  preview();
});
canvas.addEventListener("pointermove", (event) => {
  if (!points || points.length >= props.most_points) return;
  points.push(place(event));
  preview();
});
canvas.addEventListener("pointerup", () => {
  if (!points) return;
  const stroke = { raw_id: brush.raw_id, points, radius: radius(), filled: fill.checked };
  points = null;
  trigger("submit", { stroke });
});
canvas.addEventListener("pointercancel", () => {
  points = null;
  clear();
});

function show() {
  if (!props.value || !props.value.picture) return;
  picture.onload = () => {
    if (!points) clear();
  };
  picture.src = props.value.picture;
}
watch("value", show);
show();

document.addEventListener("keydown", (event) => {
  const typing = ["INPUT", "TEXTAREA"].includes(document.activeElement?.tagName) && document.activeElement.type !== "range";
  if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || typing || !element.offsetParent) return;
  event.preventDefault();
  document.querySelector("#undo")?.click();
});
