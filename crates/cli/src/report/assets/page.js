// The page as a whole: what is chosen, and drawing it anew when that changes.

const SECTIONS = [["Growth", growth], ["Engagement", engagement], ["Formats", formatMix], ["Posting times", times], ["Posts", posts], ["Share of voice", voice], ["The collector", collector]];

// Changes what is chosen, keeps it in the address, and draws the page.
function go(change) {
  Object.assign(STATE, change, { notice: "", listed: 50 });
  history.pushState(null, "", `#${written()}`);
  hideTip();
  render();
}

function controls() {
  const last = DATA.whole?.[1] ?? DAYS.length - 1;
  const presets = [["Last day", 1], ["Last 7 days", 7], ["Last 28 days", 28]].filter(([, days]) => days <= last + 1).map(([label, days]) => [label, last - days + 1, last]);
  const buttons = [...presets, ["All", 0, DAYS.length - 1]].map(([label, from, to]) =>
    button(label, () => go({ from, to }), { class: "chip range", id: `range-${label.replaceAll(" ", "")}`, "aria-pressed": String(STATE.from === from && STATE.to === to) }));
  const field = (label, key) => {
    const input = el("input", { type: "date", id: `range-${key}`, value: DAYS[STATE[key]], min: DAYS[0], max: DAYS.at(-1) });
    input.addEventListener("change", () => {
      const d = DAYS.indexOf(input.value);
      if (d >= 0) go(key === "from" ? { from: d, to: Math.max(d, STATE.to) } : { from: Math.min(d, STATE.from), to: d });
    });
    return el("label", {}, label, input);
  };
  const toggle = (house) => {
    const chosen = new Set(STATE.chosen);
    if (!chosen.delete(house.index)) chosen.add(house.index);
    go({ chosen });
  };
  const chips = HOUSES.map((house) => button(house.label, () => toggle(house), { class: "chip", id: `chip-${house.index}`, title: house.account ? `@${house.account}` : null, "aria-pressed": String(STATE.chosen.has(house.index)) }));
  document.getElementById("range").replaceChildren(...buttons, field("From", "from"), field("To", "to"));
  document.getElementById("chips").replaceChildren(button("All houses", () => go({ chosen: new Set() }), { class: "chip", id: "chip-all", "aria-pressed": String(!STATE.chosen.size) }), ...chips);
}

const dark = () => document.documentElement.dataset.theme === "dark";
function theme(chosen) {
  document.documentElement.dataset.theme = chosen ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const switched = document.getElementById("theme");
  switched.textContent = dark() ? "Light" : "Dark";
  switched.setAttribute("aria-label", dark() ? "Show in light colours" : "Show in dark colours");
}

// How old the data was when the page was made. The page itself may be older.
function freshness({ newest, made }) {
  const age = made - newest;
  const old = age < 0 ? "later than this page" : age < 60 ? "under a minute old" : age < HOUR ? `${many(Math.floor(age / 60), "minute")} old` : age < 2 * DAY ? `${many(Math.floor(age / HOUR), "hour")} old` : `${many(Math.floor(age / DAY), "day")} old`;
  return `The newest run was at ${moment(newest)} ${zoneName()}, ${old}${age < 0 ? "" : " when this page was made"}.`;
}

function masthead() {
  const { source } = DATA, house = one();
  const title = house ? house.label : spanOf(period());
  document.getElementById("period").textContent = title;
  document.title = `${house ? `${title}, ` : ""}${spanOf(period())} · Brands on Instagram`;
  const was = before();
  document.getElementById("provenance").textContent = `${house ? `${house.account ? `@${house.account}. ` : ""}${spanOf(period())}. ` : ""}Days are UTC days. ${was ? `The period before is ${spanOf(was)}.` : "The data does not reach back over the period before, so nothing is compared."} ${many(source.records, "record")} of ${many(source.files, "file")} in ${source.place}. ${freshness(source)}`;
  document.getElementById("zone").replaceWith(Object.assign(switcher("Time zone", { utc: "UTC", own: "My time" }, STATE.utc ? "utc" : "own", (key) => go({ utc: key === "utc" })), { id: "zone" }));
  document.getElementById("notices").replaceChildren(...notices().map((text) => el("p", { class: "notice" }, text)));
  document.getElementById("colophon").replaceChildren(el("p", {}, `Made ${moment(source.made)} ${zoneName()} by `, el("code", {}, "luxury-brands report"), ". This page is one file: it holds its data and its scripts, and asks nothing of any network."));
}

// What the data lacks.
function notices() {
  const { source, collector } = DATA, list = [STATE.notice];
  const days = Array.from({ length: STATE.to - STATE.from + 1 }, (_, i) => STATE.from + i);
  const named = (found) => `${found.slice(0, 5).map(date).join(", ")}${found.length > 5 ? ` and ${n(found.length - 5)} more days` : ""}`;
  const ran = (d) => collector.jobs.some((job) => job.runs[d]);
  const empty = days.filter((d) => !ran(d));
  const partial = days.filter((d) => ran(d) && (!DATA.whole || d < DATA.whole[0] || d > DATA.whole[1]));
  const unseen = HOUSES.filter((house) => days.every((d) => DATA.followers.count[house.index][d] == null) && !postsOf(house.index, period()).length && !distinct(house.index, period()));
  if (source.made_up) list.push("This is the sandbox’s made-up data: no figure on this page is of a real account.");
  if (empty.length) list.push(`There is no data of ${named(empty)}: no run stored anything.`);
  if (partial.length) list.push(`The runs do not cover all of ${named(partial)}, so the figures of ${partial.length === 1 ? "this day" : "these days"} are lower than those of a whole day.`);
  if (unseen.length && unseen.length < HOUSES.length) list.push(`There is nothing of ${unseen.map((house) => house.label).join(", ")} in this period.`);
  if (source.unknown) list.push(`${many(source.unknown, "object")} of records ${source.unknown === 1 ? "has" : "have"} no quality object, which would separate hidden likes from a real 0. The Python version stored none. Their zeros are unknown, and in no figure on this page.`);
  const skipped = collector.skipped.length + collector.skipped_unlisted;
  if (skipped) list.push(`${many(skipped, "file")} could not be used and ${skipped === 1 ? "is" : "are"} missing from every figure. The last section lists ${skipped === 1 ? "it" : "them"}.`);
  return list.filter(Boolean);
}

function render() {
  const focused = document.activeElement?.id, caret = document.activeElement?.selectionStart;
  const main = document.getElementById("main");
  // The height is held while the sections are empty, so that the page does not jump.
  if (main.firstChild) main.style.minHeight = `${main.offsetHeight}px`;
  const [now, was] = [figures(period()), figures(before())];
  masthead();
  controls();
  headline(document.getElementById("headline"), now, was);
  main.replaceChildren(...SECTIONS.map(([title, draw], i) => {
    const box = el("section", { id: `section-${i + 1}`, "aria-labelledby": `title-${i + 1}` }, el("h2", { id: `title-${i + 1}` }, title));
    draw(box, now, was);
    return box;
  }));
  main.style.minHeight = "";
  const again = focused ? document.getElementById(focused) : null;
  again?.focus({ preventScroll: true });
  if (again?.type === "search") again.setSelectionRange(caret, caret);
  document.documentElement.dataset.drawn = String(Math.round(performance.now()));
}

theme();
readAddress();
render();
document.getElementById("theme").addEventListener("click", () => { theme(dark() ? "light" : "dark"); render(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { theme(); render(); });
for (const event of ["hashchange", "popstate"]) addEventListener(event, () => { readAddress(); render(); });
let width = innerWidth;
addEventListener("resize", () => {
  // A phone's address bar changes only the height, all the time.
  if (innerWidth === width) return;
  width = innerWidth;
  requestAnimationFrame(render);
});
