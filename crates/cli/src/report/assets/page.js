// The page as a whole: what is chosen, and drawing it anew when that changes.

const SECTIONS = [
  ["Followers", followers], ["Posts and engagement", engagement], ["Under hashtags", hashtags],
  ["When posts come", rhythm], ["Hidden is not zero", quality], ["Runs and failures", runs],
];

function choose(from, to) {
  STATE.from = Math.max(FIRST, Math.round(Math.min(from, to)));
  STATE.to = Math.min(LAST, Math.round(Math.max(from, to)));
  hideTip();
  render();
}

// The first click shows one house alone, the next ones add and take away, and the last one off is all on.
function toggle(house) {
  const { off } = STATE;
  if (!off.size) HOUSES.forEach((h) => h !== house && off.add(h.index));
  else if (off.has(house.index)) off.delete(house.index);
  else off.add(house.index);
  if (off.size === HOUSES.length) off.clear();
  render();
}

function controls() {
  const length = LAST - FIRST;
  const ranges = [["All", Infinity], ["28 days", 28 * DAY], ["7 days", 7 * DAY], ["24 h", DAY], ["12 h", 12 * HOUR], ["6 h", 6 * HOUR], ["1 h", HOUR]];
  const buttons = ranges.filter(([, r]) => r === Infinity || r < length).map(([label, r]) => {
    // A range starts after the last run before it, so that 24 h are 24 hourly runs.
    const from = Math.max(FIRST, LAST - r + 1);
    const on = STATE.from === from && STATE.to === LAST;
    return el("button", { type: "button", class: "chip range", id: `range-${label.replace(" ", "")}`, "aria-pressed": String(on), onclick: () => choose(from, LAST) }, r === Infinity ? label : `Last ${label}`);
  });
  const field = (label, key) => {
    const input = el("input", { type: "datetime-local", id: `range-${key}`, value: written(STATE[key]), min: written(FIRST), max: written(LAST) });
    input.addEventListener("change", () => {
      const t = Date.parse(STATE.utc ? `${input.value}Z` : input.value) / 1000;
      if (Number.isFinite(t)) choose(key === "from" ? t : STATE.from, key === "to" ? t : STATE.to);
    });
    return el("label", {}, label, input);
  };
  const chips = HOUSES.map((house) => el("button", { type: "button", class: "chip", id: `chip-${house.index}`, title: house.account ? `@${house.account}` : null,
    "aria-pressed": String(!STATE.off.has(house.index)), onclick: () => toggle(house) }, swatch(house), house.label));
  const all = STATE.off.size ? [el("button", { type: "button", class: "chip", id: "chip-all", onclick: () => { STATE.off.clear(); render(); } }, "Show all")] : [];
  fillRow("range", [...buttons, field("from", "from"), field("to", "to")]);
  fillRow("chips", [...all, ...chips]);
}

function fillRow(id, children) {
  const row = document.getElementById(id);
  const left = row.firstChild ? row.scrollLeft : 0;
  row.replaceChildren(...children);
  if (left) row.scrollLeft = left;
}

// A moment as an input of date and time takes it.
function written(t) {
  const d = new Date(t * 1000);
  return new Date(STATE.utc ? d : d.getTime() - d.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

const dark = () => document.documentElement.dataset.theme === "dark";

function theme(chosen) {
  const preferred = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = chosen ?? preferred;
  STYLES.clear();
  // While little has changed, so that it costs little.
  ["--sans", "--soft", "--grid", "font-size"].forEach(css);
  HOUSES.forEach(colour);
  const button = document.getElementById("theme");
  button.textContent = dark() ? "Light" : "Dark";
  button.setAttribute("aria-label", dark() ? "Show in light colours" : "Show in dark colours");
}

// How old the data was when the page was made. The page itself may be older.
function freshness({ newest, made }) {
  const age = made - newest;
  const old = age < 0 ? "later than this page" : age < 60 ? "under a minute old" : age < HOUR ? `${many(Math.floor(age / 60), "minute")} old` : age < 2 * DAY ? `${many(Math.floor(age / HOUR), "hour")} old` : `${many(Math.floor(age / DAY), "day")} old`;
  return `The newest run was at ${moment(newest)}, ${old}${age < 0 ? "" : " when this page was made"}.`;
}

function masthead() {
  const { source } = DATA;
  const same = full(STATE.from) === full(STATE.to);
  const title = same ? full(STATE.from) : `${sameMonth() ? stamp(STATE.from, { day: "numeric" }) : full(STATE.from)} – ${full(STATE.to)}`;
  document.getElementById("period").textContent = title;
  document.title = `${title} · Luxury houses on Instagram`;
  document.getElementById("provenance").textContent =
    `${many(source.records, "record")} in ${many(source.files, "file")} from ${source.place}, ${moment(STATE.from)} to ${moment(STATE.to)} ${zoneName()}. ${freshness(source)}`;
  document.getElementById("zone").replaceWith(Object.assign(
    switcher("Time zone", { utc: "UTC", own: "My time" }, STATE.utc ? "utc" : "own", (key) => { STATE.utc = key === "utc"; render(); }), { id: "zone" }));
  const skipped = DATA.skipped.length + DATA.skipped_unlisted;
  const notices = [];
  if (source.made_up) notices.push(el("p", { class: "notice" }, "This is the sandbox’s made-up data: no figure on this page is of a real account."));
  if (source.unknown) notices.push(el("p", { class: "notice" },
    `${many(source.unknown, "object")} of records ${source.unknown === 1 ? "has" : "have"} no quality object, which would separate hidden likes from a real 0. The Python version stored none. Their zeros are unknown, and in no figure on this page.`));
  if (skipped) notices.push(el("p", { class: "notice" },
    `${many(skipped, "file")} could not be used and ${skipped === 1 ? "is" : "are"} missing from every figure; see `, el("a", { href: "#section-6" }, "runs and failures"), "."));
  document.getElementById("notices").replaceChildren(...notices);
  document.getElementById("colophon").replaceChildren(
    el("p", {}, `Made ${moment(source.made)} ${zoneName()} by `, el("code", {}, "luxury-brands report"), ". This page is one file: it holds its data and its scripts, and asks nothing of any network. Drag over a chart to choose a time; double-click to see all of it again."),
    el("p", {}, "Charts: uPlot 1.6.32, © Leon Sorokin, MIT licence."));
}

const sameMonth = () => stamp(STATE.from, { month: "long", year: "numeric" }) === stamp(STATE.to, { month: "long", year: "numeric" });

function section([title, draw], i) {
  const box = el("section", { id: `section-${i + 1}`, "aria-labelledby": `title-${i + 1}` }, el("h2", { id: `title-${i + 1}` }, title));
  draw(box);
  return box;
}

function render(count = SECTIONS.length) {
  const focused = document.activeElement?.id;
  const main = document.getElementById("main");
  // The height is held while the sections are empty, so that the page does not jump.
  if (main.firstChild) main.style.minHeight = `${main.offsetHeight}px`;
  // Asked once, before anything changes: the browser lays the page out to answer.
  STATE.narrow = innerWidth < 640;
  clearCharts();
  masthead();
  controls();
  headline(document.getElementById("headline"));
  main.replaceChildren(...SECTIONS.slice(0, count).map(section));
  drawCharts();
  main.style.minHeight = "";
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

theme();
// What is seen first comes first, and the rest when it is on the screen.
render(1);
const painted = (then) => requestAnimationFrame(() => setTimeout(then));
const marked = (what) => { document.documentElement.dataset[what] = String(Math.round(performance.now())); };
painted(() => {
  marked("opened");
  document.getElementById("main").append(...SECTIONS.slice(1).map((s, i) => section(s, i + 1)));
  drawCharts();
  painted(() => marked("drawn"));
});
document.getElementById("theme").addEventListener("click", () => { theme(dark() ? "light" : "dark"); render(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { theme(); render(); });
let width = innerWidth;
addEventListener("resize", () => {
  // A phone's address bar changes the height alone, all the time.
  if (innerWidth === width) return;
  width = innerWidth;
  requestAnimationFrame(() => render());
});
