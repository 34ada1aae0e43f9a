// The sections on the data itself: what was left out or defaulted, and what did not come.

const failuresInRange = () => DATA.failures.filter((f) => f.time >= STATE.from && f.time <= STATE.to);
const gapsInRange = () => DATA.jobs.flatMap((job) => job.gaps).filter((g) => g.before > STATE.from && g.after < STATE.to);
const lateInRange = () => DATA.late.filter((l) => [l.time, l.asked].some((t) => t >= STATE.from && t <= STATE.to));
const lateness = ({ time, asked }) => {
  const minutes = Math.round((asked - time) / 60), hours = Math.floor(minutes / 60);
  return `asked ${[hours ? `${n(hours)} h` : "", minutes % 60 || !hours ? `${minutes % 60} min` : ""].filter(Boolean).join(" ")} late`;
};
const missingInRange = () => gapsInRange().reduce((k, g) => k + g.missing, 0);

const WORTH = ["Counted, above 0", "Counted, 0", "Hidden by the owner", "Not usable", "Unknown: no quality object"];

// What the likes of a house's records are worth, in the order of WORTH.
function worthOf(model, house) {
  const [records, hidden, zero, unusable, unknown] = ["records", "likes_hidden", "likes_zero", "likes_unusable", "likes_unknown"].map((m) => sumOf(model, m, house) ?? 0);
  return [records - hidden - zero - unusable - unknown, zero, hidden, unusable, unknown];
}

function quality(box) {
  const model = STATE.worth;
  const of = shown().map((house) => ({ house, worth: worthOf(model, house) })).filter((h) => sum(h.worth));
  const all = WORTH.map((_, i) => sum(of.map((h) => h.worth[i])) ?? 0);
  const records = sum(all);
  const zeros = all[1] + all[2] + all[3] + all[4];
  const unknown = all[4] ? `; ${n(all[4])} are unknown` : "";
  say(box, zeros && zeros === all[2] ? `All ${n(zeros)} zeros stored for likes stand for hidden ones.` : zeros ? `Of ${n(zeros)} zeros stored for likes, ${n(all[2])} stand for hidden ones and ${n(all[1])} were counted${unknown}.` : "Every like that is stored was counted.",
    "The API leaves out likes that an owner hides, and the records must not have holes, so that a 0 is stored. The quality objects separate the two, and this page never takes a hidden count for a 0. Without a quality object a 0 is unknown, and in no figure.");
  box.append(panel("What a stored like count means", switcher("Records of", { media: "The houses’ posts", media_hashtag: "Under hashtags" }, model, (key) => { STATE.worth = key; render(); })));
  box.append(el("ul", { class: "key" }, WORTH.map((text, i) => el("li", {}, el("i", { class: `worth${i}` }), text))));
  const bars = of.map(({ house, worth }) => {
    const whole = sum(worth);
    const stack = el("span", { class: "stack", "aria-hidden": "true" }, worth.map((k, i) => {
      if (!k) return null;
      const part = el("i", { class: `worth${i}`, "data-tip": `${house.label}: ${many(k, "record")} ${WORTH[i].toLowerCase()}, ${percent(k, whole)}` });
      part.style.width = `${(100 * k) / whole}%`;
      return part;
    }));
    return [name(house), stack, percent(worth[2], whole), percent(worth[1], whole), n(whole)];
  });
  if (records) box.append(tipsOn(barTable([["House"], ["Share of records"], ["Hidden"], ["Counted 0"], ["Records", "wide"]], bars, 1)));
  box.append(figures("what like counts mean", () => table(null, ["House", ...WORTH], of.map((h) => [name(h.house), ...h.worth.map(n)]))));
  fields(box);
}

function fields(box) {
  const most = STATE.narrow ? 24 : 48;
  const span = Math.max(1, STATE.to - STATE.from + 1);
  // Not shorter than the time between the runs of the rarest job, whose other columns would be empty.
  const least = Math.max(0, ...MODELS.map(usual));
  const width = [300, 900, 1800, HOUR, 3 * HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY].find((w) => w >= least && span / w <= most) ?? 28 * DAY;
  const from = Math.floor(STATE.from / width), count = Math.floor(STATE.to / width) - from + 1;
  const slots = (model, list) => {
    const slot = new Array(count).fill(null);
    for (const i of rows(model)) if (list[i] != null) slot[Math.floor(times(model)[i] / width) - from] = add(slot[Math.floor(times(model)[i] / width) - from], list[i]);
    return slot;
  };
  const all = (model) => times(model).map((_, i) => sum(HOUSES.map((h) => values(model, "records", h)[i] ?? null)));
  const lines = MODELS.flatMap((model) => {
    const table = DATA.tables[model];
    if (!table) return [];
    const records = slots(model, all(model));
    const line = (what, list) => ({ model, what, counts: slots(model, list), records });
    return [...table.defaulted.map((d) => line(`${d.field}: ${d.reason}`, d.n)), ...Object.entries(table.rejected).map(([reason, list]) => line(`left out: ${reason}`, list))];
  }).filter((l) => sum(l.counts));
  box.append(panel("Fields defaulted and records left out, over time"));
  if (!lines.length) return box.append(el("p", { class: "empty" }, "Nothing was defaulted or left out in this range."));
  const largest = Math.max(...lines.flatMap((l) => l.counts.map((k, i) => (k ?? 0) / (l.records[i] || Infinity))));
  const at = (i) => (from + i) * width;
  const head = el("tr", {}, el("th", { scope: "col" }, ""), Array.from({ length: count }, (_, i) => el("th", { scope: "col" }, i % Math.ceil(count / 8) ? "" : "")), el("th", { scope: "col" }, "Share"));
  const body = lines.map((l) => el("tr", {}, el("th", { scope: "row", title: `${l.model}: ${l.what}` }, `${l.model} · ${l.what}`),
    l.counts.map((k, i) => heatCell(l.records[i] ? (k ?? 0) / l.records[i] / largest : null,
      l.records[i] ? `${moment(at(i))}: ${n(k ?? 0)} of ${n(l.records[i])} records, ${percent(k ?? 0, l.records[i])}` : `${moment(at(i))}: no records`)),
    el("th", {}, percent(sum(l.counts), sum(l.records)))));
  box.append(tipsOn(el("table", { class: "heat fields", "aria-label": "Fields defaulted over time" }, el("thead", {}, head), el("tbody", {}, body))));
  box.append(el("ul", { class: "key" }, el("li", { class: "ramp" }, "0 %", el("i"), `${percent(largest, 1)} of the records`), el("li", {}, `${moment(at(0))} – ${moment(at(count))}, all houses`)));
  box.append(figures("fields defaulted and records left out", () => table("All houses, in this range", ["Model", "What", "Count", "Records", "Share"],
    lines.map((l) => [l.model, l.what, n(sum(l.counts)), n(sum(l.records)), percent(sum(l.counts), sum(l.records))]), [1])));
}

function runs(box) {
  const failed = failuresInRange(), gone = missingInRange(), late = lateInRange();
  const count = DATA.jobs.map((job) => ({ job, times: timesOf(job.job) }));
  const ran = sum(count.map((c) => sum(c.times.map((t) => t.runs)) ?? 0));
  const words = [failed.length ? `${many(failed.length, "topic")} failed` : "no topic failed", gone ? `${many(gone, "run")} ${gone === 1 ? "is" : "are"} missing` : "no run is missing"];
  say(box, `${many(ran, "run")}: ${words.join(" and ")}${late.length ? `; ${many(late.length, "run")} ${late.length === 1 ? "was" : "were"} filled late` : ""}.`,
    "A topic that fails costs its own records and no others. A run is missing if its job usually has one at that time. What was collected after the time of the next run does not fill the gap: it counts at the moment when it was asked.");
  for (const { job, times: of } of count) if (of.length) strip(box, job, of);
  box.append(panel("Topics that failed"));
  if (!failed.length) box.append(el("p", { class: "lede" }, "None in this range."));
  else {
    const list = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Topics that failed" });
    list.append(table(DATA.failures_unlisted ? `The newest; ${n(DATA.failures_unlisted)} older ones are not listed` : null, ["Topic", "Run", "Job", "Kind", "Code", "Message"],
      failed.map((f) => [f.topic, moment(f.time), f.job, f.kind, f.code ?? "–", f.message]), [5], [1, 2, 3]));
    box.append(list);
  }
  if (late.length) box.append(panel("Filled late"), table(null, ["Run", "Job", "Asked", "", "Houses"],
    late.map((l) => [moment(l.time), l.job, moment(l.asked), lateness(l), HOUSES.filter((h) => l.houses.includes(h.index)).map((h) => h.label).join(", ")]), [4], [1, 2, 3]));
  if (gapsInRange().length) box.append(figures("missing runs", () => table(zoneName(), ["Job", "After", "Before", "Missing"], gapsInRange().map((g) => [g.job, moment(g.after), moment(g.before), n(g.missing)]))));
  if (DATA.skipped.length) {
    box.append(panel("Files that could not be used"));
    const list = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Files that could not be used" });
    list.append(table(DATA.skipped_unlisted ? `${n(DATA.skipped_unlisted)} more are not listed` : null, ["File", "Why"], DATA.skipped.map((s) => [s.key, s.reason]), [1]));
    box.append(list);
  }
}

// The runs of a job in the range, from whichever of its models has more of them.
function timesOf(job) {
  const models = job === "hashtag" ? ["media_hashtag"] : ["brand", "media"];
  const model = models.reduce((a, b) => (times(a).length >= times(b).length ? a : b), models[0]);
  return rows(model).map((i) => ({ time: times(model)[i], runs: DATA.tables[model].runs[i] }));
}

function strip(box, job, of) {
  const cells = Math.min(of.length, STATE.narrow ? 48 : 96);
  const width = (STATE.to - STATE.from + 1) / cells;
  const cell = (t) => Math.min(cells - 1, Math.max(0, Math.floor((t - STATE.from) / width)));
  const states = Array.from({ length: cells }, (_, i) => ({ from: STATE.from + i * width, runs: 0, failed: 0, missing: 0, late: [] }));
  for (const { time, runs } of of) states[cell(time)].runs += runs;
  for (const f of failuresInRange()) if (f.job === job.job) states[cell(f.time)].failed += 1;
  for (const g of gapsInRange()) if (g.job === job.job) {
    for (let k = 1; k <= Math.min(g.missing, 5000); k++) states[cell(g.after + (k * (g.before - g.after)) / (g.missing + 1))].missing += 1;
  }
  for (const l of lateInRange()) if (l.job === job.job && l.time >= STATE.from) states[cell(l.time)].late.push(`, ${lateness(l)}`);
  const ticks = states.map((s) => el("i", {
    class: s.failed ? "failed" : s.missing ? "missing" : s.runs ? null : "none",
    "data-tip": `${moment(s.from)}: ${many(s.runs, "run")}, ${many(s.failed, "failed topic")}, ${s.missing} missing${s.late.join("")}`,
  }));
  const [runs, bad, lost] = ["runs", "failed", "missing"].map((k) => sum(states.map((s) => s[k])));
  box.append(panel(`${job.job}${job.every ? `, every ${span(job.every)}` : ""}`, el("span", { class: "lede" }, `${many(runs, "run")}, ${many(bad, "failed topic")}, ${n(lost)} missing`)));
  box.append(tipsOn(el("div", { class: "strip", role: "img", "aria-label": `${job.job}: ${many(runs, "run")}, ${many(bad, "failed topic")}, ${n(lost)} missing` }, ticks)));
  box.append(el("div", { class: "strip-ends" }, el("span", {}, moment(STATE.from)), el("span", {}, moment(STATE.to))));
}
