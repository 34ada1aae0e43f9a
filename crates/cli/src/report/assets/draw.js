// How things are drawn. Text of the data becomes text nodes and nothing else.

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

function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) if (value != null) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const button = (text, onclick, attributes = {}) => el("button", { type: "button", onclick, ...attributes }, text);
const switcher = (label, options, current, choose) => el("div", { class: "switch", role: "group", "aria-label": label }, Object.entries(options).map(([key, text]) =>
  button(text, () => choose(key), { id: `${label}-${key}`.replace(/\W+/g, "-"), "aria-pressed": String(key === current) })));

// --- files to take along

const fileName = (name, ending) => `${name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "")}_${DAYS[STATE.from]}_${DAYS[STATE.to]}.${ending}`;
function download(name, blob) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// RFC 4180. A text that a spreadsheet would take for a formula begins with an apostrophe.
function csvCell(value) {
  if (value == null) return "";
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
const csv = (rows) => `\ufeff${rows.map((row) => row.map(csvCell).join(",")).join("\r\n")}\r\n`;

// --- tables

// Columns: {title, value(row) for CSV and sorting, cell(row) for the page, kind: "text" | "word" | undefined, wide}.
// The first column names the row. `sorted` is {key, down} with `sort` called for a click on a head.
function table(name, columns, rows, { sorted = null, sort = null, all = rows, mark = () => false } = {}) {
  const head = columns.map((column, i) => {
    const direction = sorted?.key === i ? (sorted.down ? "descending" : "ascending") : null;
    const label = sort ? button(`${column.title}${direction ? (sorted.down ? " ▼" : " ▲") : ""}`, () => sort(i), { class: "sort", id: `sort-${name}-${i}`.replace(/\W+/g, "-") }) : column.title;
    return el("th", { scope: "col", class: classOf(column, i), "aria-sort": direction }, label);
  });
  const body = rows.map((row) => el("tr", { class: mark(row) ? "marked" : null }, columns.map((column, i) => {
    const content = (column.cell ?? column.value)(row);
    return i === 0 ? el("th", { scope: "row", class: classOf(column, i) }, content) : el("td", { class: classOf(column, i) }, content);
  })));
  const take = button("CSV", () => download(fileName(name, "csv"), new Blob([csv([columns.map((c) => c.title), ...all.map((row) => columns.map((c) => c.value(row)))])], { type: "text/csv" })), { class: "take", "aria-label": `${name} as CSV`, id: `csv-${name}`.replace(/\W+/g, "-") });
  return el("div", { class: "tabled" }, el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Table: ${name}` },
    el("table", { "data-name": name }, el("thead", {}, el("tr", {}, head)), el("tbody", {}, body))), el("p", { class: "takes" }, take));
}
const classOf = (column, i) => [i === 0 ? "name" : column.kind, column.wide ? "wide" : null].filter(Boolean).join(" ") || null;

function barCell(value, largest, text) {
  const bar = el("i");
  bar.style.width = `${largest > 0 && value > 0 ? (100 * value) / largest : 0}%`;
  return el("span", { class: "barcell" }, el("span", { class: "bar", "aria-hidden": "true" }, bar), el("span", { class: "figure" }, text));
}

// --- the tip next to the pointer

const tip = document.getElementById("tip");
function showTip(x, y, ...content) {
  tip.replaceChildren(...content);
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${x + 16 + width > innerWidth ? Math.max(4, x - width - 16) : x + 16}px`;
  tip.style.top = `${Math.min(Math.max(4, y - height / 2), innerHeight - height - 4)}px`;
}
const hideTip = () => { tip.hidden = true; };
addEventListener("scroll", hideTip, { passive: true });

// --- charts over time

const MAX_LINES = 5;
// A step of an axis: 1, 2 or 5 times a power of ten, for about three of them.
function steps(lo, hi) {
  const rough = (hi - lo) / 3 || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= rough) ?? rough;
  const list = [];
  for (let y = Math.ceil(lo / step) * step; y <= hi + step / 1e6; y += step) list.push(Math.abs(y) < step / 1e6 ? 0 : y);
  return list;
}

// Labels at the ends of lines, moved apart.
function apart(labels, height) {
  labels.sort((a, b) => a.y - b.y);
  labels.forEach((label, i) => { if (i) label.y = Math.max(label.y, labels[i - 1].y + 14); });
  labels.reduceRight((most, label) => { label.y = Math.min(label.y, most); return label.y - 14; }, height);
  return labels;
}

// A drawing of lines, or of bars if there is one series. `series` is [{label, values, colour}]; null is a gap.
function drawing({ title, times, series, format, width, height, range, labels, bars }) {
  const right = labels ? 120 : 8, left = 52, top = 8, bottom = 22;
  const [lo, hi] = range;
  const x = (i) => left + ((width - left - right) * (bars ? i + 0.5 : times.length > 1 ? i : 0.5)) / (bars ? times.length : Math.max(1, times.length - 1));
  const y = (v) => top + (height - top - bottom) * (1 - (v - lo) / (hi - lo || 1));
  const text = (attributes, content) => svg("text", { "font-size": 12, "font-family": css("--sans"), fill: css("--soft"), ...attributes }, content);
  const root = svg("svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": title });
  for (const v of steps(lo, hi)) {
    root.append(svg("line", { x1: left, x2: width - right, y1: y(v), y2: y(v), stroke: v === 0 ? css("--soft") : css("--grid") }));
    root.append(text({ x: left - 6, y: y(v) + 4, "text-anchor": "end" }, format(v)));
  }
  const most = Math.max(2, Math.floor((width - left - right) / 90));
  const each = Math.max(1, Math.ceil((times.length - 1) / (most - 1)));
  times.forEach((time, i) => { if (i % each === 0) root.append(text({ x: x(i), y: height - 6, "text-anchor": bars ? "middle" : i === 0 ? "start" : i === times.length - 1 ? "end" : "middle" }, time)); });
  const ends = [];
  for (const { label, values, colour } of series) {
    if (bars) {
      const wide = Math.max(1, ((width - left - right) / times.length) * 0.7);
      values.forEach((v, i) => { if (v != null) root.append(svg("rect", { x: x(i) - wide / 2, width: wide, y: Math.min(y(v), y(0)), height: Math.abs(y(v) - y(0)), fill: colour })); });
      continue;
    }
    const path = values.reduce((d, v, i) => (v == null ? d : `${d}${values[i - 1] == null ? "M" : "L"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`), "");
    root.append(svg("path", { d: path, fill: "none", stroke: colour, "stroke-width": 2, "stroke-linejoin": "round" }));
    values.forEach((v, i) => { if (v != null && values[i - 1] == null && values[i + 1] == null) root.append(svg("circle", { cx: x(i), cy: y(v), r: 3, fill: colour })); });
    const last = values.findLastIndex((v) => v != null);
    if (labels && last >= 0) ends.push({ y: y(values[last]) + 4, label, colour });
  }
  for (const end of apart(ends, height - bottom)) root.append(text({ x: width - right + 8, y: end.y, fill: end.colour, "font-weight": 600 }, end.label.length > 16 ? `${end.label.slice(0, 15)}…` : end.label));
  return { root, at: (px) => times.reduce((best, _, i) => (Math.abs(x(i) - px) < Math.abs(x(best) - px) ? i : best), 0) };
}

// A chart over time of all series: at most five lines in one, or else small multiples on one scale. `times` is [{short, full}].
function timeChart(box, { name, times, series, format, bars = false }) {
  const known = series.flatMap((s) => s.values).filter((v) => v != null);
  if (!known.length || (!bars && times.length < 3)) {
    box.append(el("p", { class: "empty" }, known.length ? "A line takes at least 3 days. The figures of this period are in the table." : "There is no figure in this period."));
    return;
  }
  const [lo, hi] = [Math.min(0, ...known), Math.max(0, ...known)];
  const range = lo === hi ? [0, 1] : [lo, hi];
  const single = series.length <= (bars ? 1 : MAX_LINES);
  const whole = Math.max(280, document.getElementById("main").clientWidth);
  const narrow = innerWidth < 640;
  const across = narrow ? 2 : Math.max(2, Math.floor(whole / 300));
  const width = single ? whole : Math.floor((whole - (across - 1) * 16) / across);
  const parts = single ? [{ list: series, head: null }] : series.map((s) => ({ list: [s], head: s.label }));
  const drawn = parts.map(({ list, head }) => ({ head, width, height: single ? 300 : 130, title: `${name}${head ? `: ${head}` : ""}, ${spanOf(period())}`,
    series: list.map((s, i) => ({ ...s, colour: css(`--c${single ? i : 0}`) })) }));
  const draw = (part) => drawing({ ...part, times: times.map((t) => t.short), format, range, labels: single && !bars && series.length > 1, bars });
  const grid = el("div", { class: single ? "chart" : "multiples" }, drawn.map((part) => {
    const { root, at } = draw(part);
    root.addEventListener("pointermove", (event) => {
      const i = at(((event.clientX - root.getBoundingClientRect().left) * part.width) / root.getBoundingClientRect().width);
      showTip(event.clientX, event.clientY, el("b", {}, times[i].full), ...part.series.filter((s) => s.values[i] != null).sort((a, b) => b.values[i] - a.values[i]).map((s) => el("div", {}, `${s.label}: ${format(s.values[i])}`)));
    });
    root.addEventListener("pointerleave", hideTip);
    return el("figure", { class: "multiple" }, part.head ? el("figcaption", {}, part.head) : null, root);
  }));
  const file = () => picture(name, drawn.map((part) => ({ ...part, root: draw(part).root })), single ? 1 : across);
  box.append(grid, el("p", { class: "takes" },
    button("SVG", () => download(fileName(name, "svg"), new Blob([file().text], { type: "image/svg+xml" })), { class: "take", "aria-label": `${name} as SVG` }),
    button("PNG", () => png(name, file()), { class: "take", "aria-label": `${name} as PNG` })));
}

// One drawing of all parts, with its title and its period.
function picture(name, parts, across) {
  const [{ width, height }] = parts, head = parts[0].head ? 20 : 0, rows = Math.ceil(parts.length / across);
  const size = { width: Math.min(parts.length, across) * (width + 16) + 16, height: 60 + rows * (height + head + 12) };
  const font = { "font-family": css("--sans"), fill: css("--ink") };
  const root = svg("svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${size.width} ${size.height}`, ...size },
    svg("rect", { width: size.width, height: size.height, fill: css("--paper") }),
    svg("text", { x: 16, y: 26, "font-size": 16, "font-weight": 600, ...font }, name),
    svg("text", { x: 16, y: 44, "font-size": 12, ...font }, `${spanOf(period())}, UTC days. ${DATA.source.place}${DATA.source.made_up ? ", made-up data" : ""}`));
  parts.forEach((part, i) => {
    const [left, top] = [16 + (i % across) * (width + 16), 56 + Math.floor(i / across) * (height + head + 12)];
    if (part.head) root.append(svg("text", { x: left, y: top + 12, "font-size": 13, ...font }, part.head));
    root.append(svg("g", { transform: `translate(${left} ${top + head})` }, ...part.root.childNodes));
  });
  return { ...size, text: new XMLSerializer().serializeToString(root) };
}

function png(name, { width, height, text }) {
  const image = new Image();
  image.onload = () => {
    const canvas = el("canvas", { width: 2 * width, height: 2 * height });
    canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
    canvas.toBlob((blob) => download(fileName(name, "png"), blob), "image/png");
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
}
