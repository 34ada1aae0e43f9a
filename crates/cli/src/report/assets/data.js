// The data, the period and houses that are chosen, and how numbers and times are written.

const DATA = JSON.parse(document.getElementById("data").textContent);
const DAY = 86400, HOUR = 3600;
const HOUSES = DATA.houses.map((house, index) => ({ ...house, index }));
const DAYS = DATA.days;
const STATE = { from: DATA.period[0], to: DATA.period[1], chosen: new Set(), utc: true, voice: "others", posts: "own", age: "likes_24h", format: "", filter: "", sort: null, listed: 50, notice: "" };

const startOf = (d) => Date.parse(`${DAYS[d]}T00:00:00Z`) / 1000;
const dayOf = (seconds) => Math.floor((seconds - startOf(0)) / DAY);
const shown = () => (STATE.chosen.size ? HOUSES.filter((house) => STATE.chosen.has(house.index)) : HOUSES);
const one = () => (STATE.chosen.size === 1 ? shown()[0] : null);

// The period, and the one before it; null if the data does not have all of its days.
const period = () => ({ from: STATE.from, to: STATE.to });
function before() {
  const days = STATE.to - STATE.from + 1;
  return STATE.from >= days ? { from: STATE.from - days, to: STATE.from - 1 } : null;
}

// --- the address

function written() {
  const chosen = HOUSES.filter((house) => STATE.chosen.has(house.index)).map((house) => house.user_id);
  return new URLSearchParams([["from", DAYS[STATE.from]], ["to", DAYS[STATE.to]], ...(chosen.length ? [["houses", chosen.join(",")]] : []), ...(STATE.utc ? [] : [["time", "mine"]])]).toString();
}

// Sets what the address asks for. What it asks for and the data does not have is ignored, and named.
function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const ignored = [];
  const place = (key, usual) => {
    const value = asked.get(key);
    if (value == null) return usual;
    const found = DAYS.indexOf(value);
    if (found < 0) ignored.push(`${key}=${value}`);
    return found < 0 ? usual : found;
  };
  [STATE.from, STATE.to] = [place("from", DATA.period[0]), place("to", DATA.period[1])];
  if (STATE.from > STATE.to) {
    ignored.push(`from=${DAYS[STATE.from]}`);
    STATE.from = STATE.to;
  }
  STATE.chosen.clear();
  for (const id of (asked.get("houses") ?? "").split(",").filter(Boolean)) {
    const house = HOUSES.find((h) => h.user_id === id);
    if (house) STATE.chosen.add(house.index); else ignored.push(`houses=${id}`);
  }
  STATE.utc = asked.get("time") !== "mine";
  STATE.notice = ignored.length ? `The address has ${ignored.join(", ")}, which this data does not have. It is ignored.` : "";
}

// --- numbers, times and words

const number = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const compacted = new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 1 });
const minus = (text) => text.replace("-", "−");
const n = (x) => (x == null ? "–" : minus(number.format(x)));
const compact = (x) => (x == null ? "–" : minus(Math.abs(x) < 10000 ? number.format(x) : compacted.format(x)));
const signed = (x) => (x == null ? "–" : (x > 0 ? "+" : "") + n(x));
const fixed = (x, digits) => (x == null ? "–" : minus(x.toFixed(digits).replace(/^-(?=[0.]+$)/, "")));
const plus = (x, digits = 2) => (x == null ? "–" : (Number(x.toFixed(digits)) > 0 ? "+" : "") + fixed(x, digits));
const percent = (x, digits = 2) => (x == null ? "–" : `${plus(x, digits)}\u00a0%`);
const share = (x) => (x == null ? "–" : `${(100 * x).toFixed(1)}\u00a0%`);
const perMille = (x) => (x == null ? "–" : `${x.toFixed(2)}\u00a0‰`);
const many = (count, one, more = `${one}s`) => `${n(count)} ${count === 1 ? one : more}`;

const formats = new Map();
function stamp(seconds, options, zone = STATE.utc ? "UTC" : undefined) {
  const key = JSON.stringify(options) + zone;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone, hourCycle: "h23" }));
  return formats.get(key).format(seconds * 1000);
}
const MONTH = { day: "numeric", month: "short" }, FULL = { ...MONTH, year: "numeric" };
const moment = (t) => (t ? stamp(t, { ...MONTH, hour: "2-digit", minute: "2-digit" }) : "–");
const date = (d) => stamp(startOf(d), MONTH, "UTC");
const fullDate = (d) => stamp(startOf(d), FULL, "UTC");
const zoneName = () => (STATE.utc ? "UTC" : "your time");
const spanOf = ({ from, to }) => (from === to ? fullDate(from) : `${date(from)} – ${fullDate(to)}`);
const KINDS = { REELS: "Reels", VIDEO: "Videos", IMAGE: "Images", CAROUSEL_ALBUM: "Albums" };
const kindName = (kind) => KINDS[kind] ?? (kind || "Unknown");
