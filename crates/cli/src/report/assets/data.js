// The data, and what is looked at of it: a range of time and some of the houses.

const DATA = JSON.parse(document.getElementById("data").textContent);
const HOUR = 3600, DAY = 86400;
const MODELS = ["brand", "media", "media_hashtag"];
const TIMES = MODELS.flatMap((model) => DATA.tables[model]?.times ?? []);
// Not Math.min(...TIMES): a long report has more arguments than a call takes.
const FIRST = TIMES.reduce((a, b) => Math.min(a, b), Infinity);
const LAST = TIMES.reduce((a, b) => Math.max(a, b), -Infinity);
const STATE = { from: FIRST, to: LAST, off: new Set(), utc: true, followers: "change", rhythm: "tag", worth: "media", narrow: false };

// In the order of the colours, which is the order of the houses everywhere on the page.
const HOUSES = DATA.houses.map((house, index) => ({ ...house, index })).sort((a, b) => a.colour - b.colour);
const shown = () => HOUSES.filter((house) => !STATE.off.has(house.index));

const times = (model) => DATA.tables[model]?.times ?? [];
const values = (model, measure, house) => DATA.tables[model]?.houses[measure]?.[house.index] ?? [];

// The rows of a table in the range.
function rows(model) {
  const found = [];
  times(model).forEach((time, i) => { if (time >= STATE.from && time <= STATE.to) found.push(i); });
  return found;
}

const add = (a, b) => (b == null ? a : (a ?? 0) + b);
const sum = (list) => list.reduce(add, null);
const sumOf = (model, measure, house, at = rows(model)) => {
  const all = values(model, measure, house);
  return sum(at.map((i) => all[i]));
};
const total = (model, measure, at = rows(model)) => sum(shown().map((house) => sumOf(model, measure, house, at)));

function median(list) {
  const sorted = list.filter((n) => n != null).sort((a, b) => a - b);
  if (!sorted.length) return null;
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// The distinct posts under the hashtags of a house, or of all houses: those first seen by the end of the range, without
// those last seen before it.
function distinct(house) {
  const table = DATA.tables.media_hashtag;
  if (!table) return null;
  const of = (measure, within) => {
    const list = house ? values("media_hashtag", measure, house) : table.all[measure];
    return sum(table.times.map((t, i) => (within(t) ? list?.[i] : null))) ?? 0;
  };
  return of("first_seen", (t) => t <= STATE.to) - of("last_seen", (t) => t < STATE.from);
}

// The usual time from one row of a table to the next.
function usual(model) {
  const t = times(model);
  return Math.max(DATA.tables[model]?.width ?? 0, median(t.slice(1).map((time, i) => time - t[i])) || 300);
}

// The rows in the range by periods, of which there are at most `most`: [{time, rows}], and their length.
function periods(model, most) {
  const t = times(model), at = rows(model);
  if (!at.length) return { step: HOUR, list: [] };
  const span = t[at.at(-1)] - t[at[0]] + 1;
  const steps = [300, 900, 1800, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 7 * DAY, 28 * DAY];
  const step = steps.find((s) => s >= usual(model) && span / s <= most) ?? 28 * DAY;
  const list = [];
  for (const i of at) {
    const time = Math.floor(t[i] / step) * step;
    if (list.at(-1)?.time === time) list.at(-1).rows.push(i);
    else list.push({ time, rows: [i] });
  }
  return { step, list };
}

const postsOf = (house) => DATA.posts.filter((post) => post.house === house.index);
const interactions = (post) => (post.likes ?? 0) + (post.comments ?? 0);

// --- words and numbers

const number = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 1 });
const n = (x) => (x == null ? "–" : number.format(x));
const compact = (x) => (x == null ? "–" : Math.abs(x) < 10000 ? number.format(x) : short.format(x));
const signed = (x) => (x == null ? "–" : (x > 0 ? "+" : x < 0 ? "−" : "") + compact(Math.abs(x)));
const percent = (part, whole, digits = 1) => {
  if (part == null || !whole) return "–";
  const share = (100 * part) / whole;
  return `${share > 0 && share < 0.1 ? "<0.1" : share.toFixed(share >= 99.95 || share === 0 ? 0 : digits)} %`;
};
const many = (count, one, more = `${one}s`) => `${n(count)} ${count === 1 ? one : more}`;
const span = (seconds) =>
  seconds % DAY === 0 ? (seconds === DAY ? "day" : many(seconds / DAY, "day"))
  : seconds % HOUR === 0 ? (seconds === HOUR ? "hour" : many(seconds / HOUR, "hour"))
  : many(Math.round(seconds / 60), "minute");

const zone = () => (STATE.utc ? "UTC" : undefined);
const zoneName = () => (STATE.utc ? "UTC" : "your time");
const formats = new Map();
function stamp(seconds, options) {
  const key = JSON.stringify(options) + STATE.utc;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone(), hourCycle: "h23" }));
  return formats.get(key).format(seconds * 1000);
}
const clock = (t) => stamp(t, { hour: "2-digit", minute: "2-digit" });
const date = (t) => stamp(t, { day: "numeric", month: "short" });
const moment = (t) => stamp(t, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const full = (t) => stamp(t, { day: "numeric", month: "long", year: "numeric" });

// The hour of the week, Monday first, in the chosen time zone.
function hourOfWeek(seconds) {
  const d = new Date(seconds * 1000);
  return STATE.utc ? ((d.getUTCDay() + 6) % 7) * 24 + d.getUTCHours() : ((d.getDay() + 6) % 7) * 24 + d.getHours();
}
