/**
 * The least that a list of alarms can cost: a page without any library that keeps the same feed in the same order and draws the rows
 * in sight, a frame at a time, touching only what has changed.
 */
export const PLAIN_PAGE = `<!doctype html><meta charset="utf-8"><title>plain</title><style>
body { margin: 0; font: 14px sans-serif; }
#view { height: 860px; overflow: auto; position: relative; }
.row { position: absolute; left: 0; right: 0; height: 40px; display: flex; gap: 8px; align-items: center; }
.row span { flex: 1; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
</style><div id="count"></div><div id="view"><div id="room"></div></div><script>
const ROW = 40, COLUMNS = 7;
const PRIORITY = { urgent: 0, high: 1, medium: 2, low: 3 };
const rank = (a) => a.suppression.length > 0 ? 3 : a.condition === "inactive" ? 1 : !a.acknowledged ? 0 : a.condition === "latched" ? 1 : 2;
const compare = (a, b) => rank(a) - rank(b) || PRIORITY[a.priority] - PRIORITY[b.priority] ||
  (a.raisedAt < b.raisedAt ? 1 : a.raisedAt > b.raisedAt ? -1 : 0) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
const byId = new Map();
let sorted = [];
let due = false;
window.rows = () => sorted.length;
function place(item) {
  let low = 0, high = sorted.length;
  while (low < high) { const middle = (low + high) >> 1; if (compare(sorted[middle], item) < 0) low = middle + 1; else high = middle; }
  return low;
}
function take(id) {
  const known = byId.get(id);
  if (known === undefined) return;
  sorted.splice(place(known), 1);
  byId.delete(id);
}
function put(item) { take(item.id); byId.set(item.id, item); sorted.splice(place(item), 0, item); }
const pool = [];
const text = (node, value) => { if (node.data !== value) node.data = value; };
const clock = new Intl.DateTimeFormat("zh-CN", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
function draw() {
  due = false;
  room.style.height = sorted.length * ROW + "px";
  text(total, String(sorted.length));
  const first = Math.max(0, Math.floor(view.scrollTop / ROW) - 6);
  const shown = Math.min(sorted.length - first, Math.ceil(view.clientHeight / ROW) + 12);
  while (pool.length < shown) {
    const row = document.createElement("div");
    row.className = "row";
    const cells = Array.from({ length: COLUMNS }, () => row.appendChild(document.createElement("span")).appendChild(new Text()));
    room.append(row);
    pool.push({ row, cells, item: undefined, top: -1 });
  }
  for (let i = 0; i < pool.length; i++) {
    const line = pool[i], item = i < shown ? sorted[first + i] : undefined;
    const top = (first + i) * ROW;
    if (line.top !== top) { line.top = top; line.row.style.transform = "translateY(" + top + "px)"; }
    if (line.item === item) continue;
    line.item = item;
    line.row.hidden = item === undefined;
    if (item === undefined) continue;
    const values = [item.priority, item.state, clock.format(new Date(item.raisedAt)), item.message, item.area ?? "", item.source, item.category];
    for (let c = 0; c < COLUMNS; c++) text(line.cells[c], values[c]);
  }
}
const total = count.appendChild(new Text());
view.onscroll = () => schedule();
function schedule() { if (!due) { due = true; requestAnimationFrame(draw); } }
const socket = new WebSocket("ws://" + location.host + "/api/v1/live");
socket.onopen = () => socket.send(JSON.stringify({ t: "view", id: "v", kind: "alarms" }));
socket.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  if (message.t === "snap") {
    byId.clear();
    for (const item of message.items) byId.set(item.id, item);
    sorted = [...byId.values()].sort(compare);
  } else if (message.t === "delta") {
    for (const id of message.rm) take(id);
    for (const item of message.up) put(item);
  }
  schedule();
};
</script>`;
