// How things are drawn. Text from the data becomes text nodes and nothing else.

function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value == null || value === false) continue;
    if (key === "class") node.className = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child != null));
  return node;
}

// Read once a theme: asking for a style makes the browser work out every one that has changed.
const STYLES = new Map();
function css(name) {
  if (!STYLES.has(name)) STYLES.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return STYLES.get(name);
}
const variable = (house) => (house.colour < 11 ? `var(--h${house.colour})` : beyond(house));
// Houses beyond those with a set colour: far apart on the wheel, of middling lightness for both themes.
const beyond = (house) => `hsl(${Math.round(house.colour * 137.5) % 360} 45% 50%)`;
const colour = (house) => (house.colour < 11 ? css(`--h${house.colour}`) : beyond(house));

function swatch(house) {
  const dot = el("span", { class: "swatch", "aria-hidden": "true" });
  dot.style.background = variable(house);
  return dot;
}

const name = (house) => [swatch(house), house.label];

// A table: head of texts, rows of texts or nodes. The first column names the row; those in `text` hold
// running text and those in `words` a word or two, the others numbers.
function table(caption, head, body, text = [], words = []) {
  const cls = (i) => (i === 0 ? "name" : text.includes(i) ? "text" : words.includes(i) ? "word" : null);
  return el("table", {},
    caption ? el("caption", {}, caption) : null,
    el("thead", {}, el("tr", {}, head.map((h, i) => el("th", { scope: "col", class: cls(i) }, h)))),
    el("tbody", {}, body.map((row) => el("tr", {}, row.map((cell, i) =>
      i === 0 ? el("th", { scope: "row", class: "name" }, cell) : el("td", { class: cls(i) }, cell))))));
}

// The tables that are open stay so when the page is drawn anew.
const OPEN = new Set();

// The figures behind a chart, made when they are asked for.
function figures(label, make, note) {
  const box = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label });
  const details = el("details", { open: OPEN.has(label) ? "" : null }, el("summary", {}, `Figures: ${label}`), box);
  const fill = () => {
    if (details.open) OPEN.add(label); else OPEN.delete(label);
    if (details.open && !box.firstChild) box.append(make(), note ?? "");
  };
  details.addEventListener("toggle", fill);
  return details;
}

function timeTable(label, model, list, cell) {
  const most = 600;
  const houses = shown();
  const body = list.slice(-most).map((period) => [moment(period.time), ...houses.map((house) => cell(house, period))]);
  const cut = list.length > most ? `; the last ${most} of ${n(list.length)} rows` : "";
  return table(`${label}, ${zoneName()}${cut}`, ["Time", ...houses.map((h) => h.label)], body.reverse());
}

function switcher(label, options, current, choose) {
  return el("div", { class: "switch", role: "group", "aria-label": label }, Object.entries(options).map(([key, text]) =>
    el("button", { type: "button", id: `${label}-${key}`.replace(/\W+/g, "-"), "aria-pressed": String(key === current), onclick: () => choose(key) }, text)));
}

// --- the tip beside the pointer

const tip = document.getElementById("tip");
function showTip(x, y, ...content) {
  tip.replaceChildren(...content);
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = x + 16 + width > innerWidth ? Math.max(4, x - width - 16) : x + 16;
  tip.style.left = `${left}px`;
  tip.style.top = `${Math.min(Math.max(4, y - height / 2), innerHeight - height - 4)}px`;
}
const hideTip = () => { tip.hidden = true; };
addEventListener("scroll", hideTip, { passive: true });

// Cells that tell more under the pointer: text in data-tip.
function tipsOn(node) {
  node.addEventListener("pointermove", (e) => {
    const text = e.target.closest?.("[data-tip]")?.dataset.tip;
    if (text) showTip(e.clientX, e.clientY, text); else hideTip();
  });
  node.addEventListener("pointerleave", hideTip);
  return node;
}

// --- charts over time

const charts = [];
// Charts whose boxes are there and which are not drawn yet: they are when the page is whole, by the width
// of the page alone, since to measure a box is to lay out the section that it is in.
const waiting = [];

function drawCharts() {
  const whole = document.getElementById("main").clientWidth;
  const rem = parseFloat(css("font-size"));
  // As in page.css: the column beside a chart, and where there is one.
  const beside = whole && innerWidth > 62 * rem ? 25 * rem : 0;
  for (const { split, draw } of waiting.splice(0)) charts.push(draw(whole - (split ? beside : 0)));
}

// Steps of an axis of whole things.
const WHOLE = Array.from({ length: 13 }, (_, i) => [1, 2, 5].map((k) => k * 10 ** i)).flat();

function axes(format, whole) {
  const font = `12px ${css("--sans")}`;
  const common = { stroke: css("--soft"), font, ticks: { show: false } };
  const grid = { stroke: css("--grid"), width: 1 };
  const label = (u, splits, axis, space, step) => splits.map((t, i) => {
    if (step >= DAY) return date(t);
    const midnight = clock(t) === "00:00";
    return i === 0 || midnight ? `${clock(t)}\n${date(t)}` : clock(t);
  });
  const size = (u, texts) => Math.max(36, ...(texts ?? []).map((text) => text.length * 7 + 10));
  return [
    { ...common, grid: { show: false }, values: label, space: 64, size: 40 },
    { ...common, grid, incrs: whole ? WHOLE : undefined, values: (u, splits) => splits.map((v) => (v == null ? "" : format(v))), size, gap: 6 },
  ];
}

// `series` is [{house, values, tip}]; with `stacked`, bars on top of each other.
function timeChart(box, { label, x, series, format, axisFormat = compact, stacked = false, split = false, whole = true, height = 320 }) {
  if (!x.length || !series.some((s) => s.values.some((v) => v != null))) {
    box.append(el("p", { class: "empty" }, "Nothing to draw in this range."));
    return;
  }
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", `${label}. The figures are in the table below.`);
  const drawn = stacked ? stack(series) : series;
  const lines = drawn.map(({ house, values: v }) => ({
    label: house.label, stroke: colour(house), width: stacked ? 0 : 2,
    fill: stacked ? colour(house) : undefined,
    paths: stacked ? uPlot.paths.bars({ size: [0.86, 100], gap: 1 }) : undefined,
    points: { show: !stacked && v.filter((y) => y != null).length < 2, size: 8 },
  }));
  const options = {
    height: STATE.narrow ? Math.min(height, 260) : height,
    padding: [10, 8, 0, 0],
    tzDate: (t) => (STATE.utc ? uPlot.tzDate(new Date(t * 1000), "Etc/UTC") : new Date(t * 1000)),
    legend: { show: false },
    scales: { x: { range: stacked ? barRange(x) : undefined }, y: { range: (u, lo, hi) => limits(lo, hi, stacked) } },
    series: [{}, ...lines],
    axes: axes(axisFormat, whole),
    cursor: { sync: { key: "time", filters: { pub: (event) => event === "mousemove" || event === "mouseleave" } }, y: false, drag: { x: true, y: false, setScale: false }, points: { show: !stacked } },
    hooks: {
      setCursor: [(u) => tell(u, series, format)],
      setSelect: [(u) => {
        const [from, to] = [u.select.left, u.select.left + u.select.width].map((x) => u.posToVal(x, "x"));
        // Afterwards: choosing takes this very chart away, which is still at work.
        if (u.select.width > 8) setTimeout(() => choose(from, to));
      }],
    },
  };
  // Kept free, so that the page does not jump when the chart comes.
  box.style.height = `${options.height}px`;
  waiting.push({ split, draw: (width) => {
    const chart = new uPlot({ ...options, width: Math.max(240, width) }, [x, ...drawn.map((s) => s.values)], box);
    chart.over.addEventListener("mouseleave", hideTip);
    chart.over.addEventListener("dblclick", () => choose(FIRST, LAST));
    return chart;
  } });
}

// Room for a whole bar at both ends.
function barRange(x) {
  const step = x.length > 1 ? Math.min(...x.slice(1).map((t, i) => t - x[i])) : HOUR;
  return [x[0] - step * 0.6, x.at(-1) + step * 0.6];
}

function limits(lo, hi, fromZero) {
  if (lo == null) return [0, 1];
  const room = hi === lo ? 1 : (hi - lo) * 0.06;
  return fromZero ? [0, hi + room] : [lo - room, hi + room];
}

// Each house on top of those after it, the tallest first, so that each one covers the foot of the last.
// A loss cannot be drawn in a stack: it counts as nothing here, and as itself in the table.
function stack(series) {
  const sums = series[0].values.map(() => 0);
  const stacked = series.map(({ house, values: v }) => ({
    house, values: v.map((y, i) => { sums[i] += Math.max(0, y ?? 0); return sums[i]; }),
  }));
  return stacked.reverse();
}

function tell(u, series, format) {
  const { idx, left, top, event } = u.cursor;
  if (idx == null || left < 0 || !event) return;
  const here = series.map((s) => ({ house: s.house, y: s.values[idx] })).filter((s) => s.y != null);
  here.sort((a, b) => b.y - a.y);
  const box = u.over.getBoundingClientRect();
  const list = here.map(({ house, y }) => el("tr", {}, el("td", {}, swatch(house), house.label), el("td", {}, format(y))));
  showTip(box.left + left, box.top + Math.max(40, top), el("b", {}, moment(u.data[0][idx])), el("table", {}, el("tbody", {}, list)));
}

function clearCharts() {
  for (const chart of charts.splice(0)) chart.destroy();
}

// A line from 0 to 100 %, with its middle marked.
function sparkline(shares, stroke) {
  const svg = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };
  const width = 200, height = 52;
  const at = shares.map((share, i) => share == null ? null : [(i / Math.max(1, shares.length - 1)) * width, height - share * height]);
  const path = at.reduce((d, p, i) => (p ? `${d}${at[i - 1] ? "L" : "M"}${p[0].toFixed(1)} ${p[1].toFixed(1)}` : d), "");
  const line = svg("path", { d: path, fill: "none", "stroke-width": 1.75, "vector-effect": "non-scaling-stroke", "stroke-linejoin": "round" });
  line.style.stroke = stroke;
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const y of [0, height]) drawing.append(svg("line", { x1: 0, x2: width, y1: y, y2: y, "vector-effect": "non-scaling-stroke" }));
  drawing.append(line);
  return drawing;
}

const shade = (share) => `color-mix(in oklab, var(--accent) ${Math.round(8 + 92 * share)}%, var(--raised))`;

function heatCell(share, text) {
  const cell = el("td", { "data-tip": text, class: share == null ? "none" : null });
  if (share > 0) cell.style.background = shade(share);
  return cell;
}
