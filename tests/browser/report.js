// The page of `luxury-brands report` in headless Chromium: a day at the default schedule, hostile text, a broken
// file, and a single run. `.ci/browser` installs what this needs and runs it.
//
// LUXURY_BRANDS: the binary (target/debug/luxury-brands). CHROMIUM: the browser (/usr/bin/chromium).
// SCREENSHOTS: a folder to write screenshots to; without it none are kept.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const luxuryBrands = process.env.LUXURY_BRANDS ?? join(root, "target/debug/luxury-brands");
const shots = process.env.SCREENSHOTS && resolve(process.env.SCREENSHOTS);
const work = mkdtempSync(join(tmpdir(), "report-"));
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const MAX_BYTES = 1_000_000;
const axe = readFileSync(join(root, "tests/browser/node_modules/axe-core/axe.min.js"), "utf8");

// A folder of its own with a configuration in it, as `luxury-brands` is run in.
function folder(name) {
  const path = join(work, name);
  mkdirSync(path);
  cpSync(join(root, "configure.ini"), join(path, "configure.ini"));
  return path;
}
const run = (cwd, ...args) => execFileSync(luxuryBrands, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();

function put(folder, key, content) {
  const path = join(folder, "sandbox_env", key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

// An hour of `brand_media` for some houses: {user_id: [followers, likes of its post]}, asked `late` seconds after it.
function putHour(folder, hour, houses, late = 2, part = "") {
  const start = Date.parse("2026-11-23T00:00:00Z") + hour * 3_600_000;
  const iso = (at) => new Date(at).toISOString();
  const [ymd, time] = iso(start).slice(0, 19).split("T");
  const name = (model) => `${model}_${ymd}/${model}_${ymd}_${time.replaceAll(":", "")}${part}.json`;
  const ids = Object.keys(houses);
  const topics = ids.map((id) => ({ topic: `house.${id}`, user_id: id, asked_at: iso(start + late * 1000), records: 1 }));
  const records = {
    brand: ids.map((id) => ({ user_id: id, user_name: `house.${id}`, name: "", followers_count: houses[id][0], media_count: 1 })),
    media: ids.map((id) => ({ user_id: id, media_id: `${id}0`, timestamp: "2026-11-20T00:00:00+0000", caption: "", media_type: "IMAGE", media_product_type: "FEED", permalink: "", like_count: houses[id][1], comments_count: 0 })),
  };
  for (const [model, list] of Object.entries(records)) {
    put(folder, `raw/${name(model)}`, JSON.stringify(list));
    put(folder, `quality/${name(model)}`, JSON.stringify({ model, job: "brand_media", counts: { records: ids.length }, topics, rejected: [], defaulted: {} }));
  }
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });

// Opens a page that must stay silent: no console error, no exception, no request but the file's own.
async function open(file, { width = 1280, height = 900, dark = false, phone = false } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? "dark" : "light", screen: { width, height }, isMobile: phone, hasTouch: phone, deviceScaleFactor: phone ? 2 : 1, timezoneId: "Asia/Seoul" });
  const page = await context.newPage();
  const troubles = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && troubles.push(m.text()));
  page.on("pageerror", (e) => troubles.push(String(e)));
  page.on("dialog", (d) => { troubles.push(`dialog ${d.message()}`); d.dismiss(); });
  page.on("request", (r) => r.url().startsWith("file:") || troubles.push(`request ${r.url()}`));
  await page.goto(pathToFileURL(file).href);
  await page.waitForFunction(() => document.documentElement.dataset.drawn);
  return { page, troubles, close: () => context.close() };
}

const rowsOf = (page, name) => page.locator(`table[data-name="${name}"]`).evaluate((t) => [...t.tBodies[0].rows].map((r) => [...r.cells].map((c) => c.textContent.replaceAll("\u00a0", " "))));
// How far the page is wider than the screen. Not innerWidth, which grows with the page on a phone.
const tooWide = (page) => page.evaluate(() => document.documentElement.scrollWidth - screen.width);
async function saved(page, selector) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator(selector).first().click()]);
  return { name: download.suggestedFilename(), content: readFileSync(await download.path()) };
}

async function shoot(page, name, options = {}) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  const path = join(shots, `${name}.png`);
  await page.screenshot({ path, animations: "disabled", style: name.match(/\d$/) ? ".controls { visibility: hidden; position: static }" : "", ...options });
  console.log(`  ${path}  ${Math.round(statSync(path).size / 1024)} KiB`);
}

const tests = {
  async "a fortnight at a sparse schedule has the figures of report --json, small, silent and drawn"() {
    const at = folder("fortnight");
    writeFileSync(join(at, "configure.ini"), readFileSync(join(at, "configure.ini"), "utf8").replace("[topic]", "[limits]\nhashtag_runs_per_hour = 1\n\n[topic]"));
    console.log(`  ${run(at, "sandbox", "day", "--hours", "340", "--until", "2026-11-24T00:00:00Z", "--fault", "prada=not_therex1")}`);
    const report = JSON.parse(run(at, "report", "--json"));
    assert.ok(report.bytes < MAX_BYTES, `${report.bytes} bytes`);
    assert.deepEqual([report.figures.period, report.figures.before], [{ from: "2026-11-17", to: "2026-11-23", days: 7 }, { from: "2026-11-10", to: "2026-11-16", days: 7 }]);
    const { page, troubles, close } = await open(join(at, "report.html"));
    const of = (label) => report.figures.houses.find((house) => house.label === label);
    const number = (x) => (x == null ? "–" : x.toLocaleString("en-GB").replace("-", "−"));
    const fixed = (x, digits = 2) => (x == null ? "–" : x.toFixed(digits).replace("-", "−"));
    const growth = await rowsOf(page, "Growth by house");
    assert.equal(growth.length, 11);
    for (const [label, percent, before, , gained, followers, days] of growth) {
      const { period, before: was } = of(label);
      assert.ok(percent.startsWith(`${period.gained_percent > 0 ? "+" : ""}${fixed(period.gained_percent)} %`), percent);
      if (was.days_with_gain === period.days_with_gain) assert.ok(before.endsWith(`${fixed(was.gained_percent)} %`), before);
      assert.deepEqual([gained.replace("+", ""), followers, days], [number(period.gained), number(period.followers), `${period.days_with_gain} of 7`]);
    }
    for (const [label, engagement, likes, before, posts, postsBefore, hidden, gained] of await rowsOf(page, "Engagement by house")) {
      const { period, before: was } = of(label);
      assert.ok(engagement.startsWith(period.engagement_per_mille == null ? "–" : `${fixed(period.engagement_per_mille)} ‰`), engagement);
      assert.equal(engagement.includes("posts hidden"), period.likes_hidden > 0, engagement);
      assert.deepEqual([likes, before], [period, was].map((f) => (f.likes_24h_per_mille == null ? "–" : `${fixed(f.likes_24h_per_mille)} ‰`)));
      assert.deepEqual([posts, postsBefore, hidden, gained], [number(period.posts), number(was.posts), number(period.likes_hidden), number(period.likes_gained + period.comments_gained)]);
    }
    for (const [label, share, before, others, own] of await rowsOf(page, "Share of voice")) {
      const { period, before: was } = of(label);
      assert.deepEqual([share, before], [period, was].map((f) => `${fixed(100 * f.share_of_others, 1)} %`));
      assert.deepEqual([others, own], [`${period.at_least ? "≥ " : ""}${number(period.hashtag_posts - period.own_posts)}`, number(period.own_posts)]);
    }
    const kinds = { Albums: "CAROUSEL_ALBUM", Images: "IMAGE", Reels: "REELS", Videos: "VIDEO" };
    for (const [kind, posts, , engagement] of await rowsOf(page, "Formats")) {
      const format = report.figures.formats.find((f) => f.kind === kinds[kind]);
      assert.deepEqual([posts, engagement.startsWith(`${fixed(format.engagement_per_mille)} ‰`)], [number(format.posts), true]);
    }
    // Eleven houses are small multiples on one scale; each chart has a label for time under it.
    assert.equal(await page.locator("#section-1 .multiples svg").count(), 11);
    assert.equal(new Set(await page.locator("#section-1 .multiples svg").evaluateAll((all) => all.map((s) => s.querySelector("text[text-anchor=end]").textContent))).size, 1);
    // Up to five houses are lines of one chart, with their names at the ends, apart from each other.
    for (const chip of [0, 3, 4, 5, 8]) await page.locator(`#chip-${chip}`).click();
    assert.equal(await page.locator("#section-1 svg").count(), 1);
    const labels = await page.locator("#section-1 svg text[font-weight]").evaluateAll((all) => all.map((t) => [t.textContent, Number(t.getAttribute("y"))]));
    assert.deepEqual(labels.map(([label]) => label).sort(), [0, 3, 4, 5, 8].map((i) => report.figures.houses[i].label).sort());
    assert.ok(labels.every(([, y], i) => !i || y - labels[i - 1][1] >= 14), `${labels}`);
    await page.locator("#chip-all").click();
    assert.match(await page.locator("#provenance").innerText(), /The newest run was at 23 Nov, 23:00 UTC, .*(old when this page was made|later than this page)\./);
    await shoot(page, "desktop");
    await shoot(page.locator("#section-6"), "desktop-2");
    assert.deepEqual(troubles, []);
    await close();
  },

  async "three questions take a click or two"() {
    const { page, troubles, close } = await open(join(work, "fortnight/report.html"));
    let clicks = 0;
    const click = (selector) => { clicks += 1; return page.locator(selector).first().click(); };
    const asked = (question, answer) => { console.log(`  ${question} ${answer} (${clicks} clicks)`); clicks = 0; };
    const [grown] = await rowsOf(page, "Growth by house");
    asked("Which house grew most this week against last?", `${grown[0]}: ${grown[1]}, before ${grown[2]}, change ${grown[3]} points.`);
    await click("#sort-Posts-4");
    const posts = await rowsOf(page, "Posts");
    const likes = posts.map((row) => Number(row[4].replaceAll(",", "")));
    assert.ok(likes[0] > 0 && likes.every((n, i) => !i || !(n > likes[i - 1])), `${likes}`);
    assert.equal(await page.locator('table[data-name="Posts"] th[aria-sort]').getAttribute("aria-sort"), "descending");
    assert.match(await page.locator('table[data-name="Posts"] tbody a').first().getAttribute("href"), /^https:\/\/www\.instagram\.com\//);
    asked("Which post did best in its first three hours?", `${posts[0][0]}: ${posts[0][1]}, ${posts[0][4]} likes.`);
    const about = await rowsOf(page, "Who talks about whom");
    assert.equal(about.length, 11);
    asked("Who talks about whom under the hashtags?", `#${about[0][0]}: ${about[0][1]} posts of the house itself, ${about[0].at(-2)} of others.`);
    // The posts under hashtags, and why they have no links.
    await page.locator("#Posts-tag").click();
    assert.match(await page.locator("#section-5 .lede").innerText(), /permalink = permalink url/);
    assert.equal((await rowsOf(page, "Posts under hashtags")).length, 50);
    await page.locator("#more").click();
    assert.equal((await rowsOf(page, "Posts under hashtags")).length, 100);
    await page.locator("#filter").fill("dior");
    const found = await rowsOf(page, "Posts under hashtags");
    assert.ok(found.length && found.every(([house, caption]) => `${house} ${caption}`.toLowerCase().includes("dior")), `${found[0]}`);
    assert.deepEqual(troubles, []);
    await close();
  },

  async "the address has the period and the houses, and a wrong one is named"() {
    const file = join(work, "fortnight/report.html");
    const { page, troubles, close } = await open(file);
    await page.locator("#range-Lastday").click();
    await page.locator('table[data-name="Growth by house"] .house').first().click();
    const address = page.url();
    const title = await page.locator("#period").innerText();
    const headline = await page.locator("#headline").innerText();
    assert.match(headline, /1 of \d+ houses/);
    const chart = page.locator("#section-2 svg");
    assert.equal(await chart.count(), 1, "one house has one chart");
    await page.goBack();
    assert.match(await page.locator("#period").innerText(), /^23 Nov 2026$/);
    await close();
    const again = await open(file);
    await again.page.goto(address);
    await again.page.reload();
    assert.deepEqual([await again.page.locator("#period").innerText(), await again.page.locator("#headline").innerText()], [title, headline]);
    await again.page.goto(`${pathToFileURL(file).href}#from=2020-01-01&houses=nobody`);
    assert.match(await again.page.locator("#notices").innerText(), /from=2020-01-01, houses=nobody, which this data does not have/);
    assert.deepEqual([...troubles, ...again.troubles], []);
    await again.close();
  },

  async "every table is a CSV, and every chart an SVG and a PNG"() {
    const { page, troubles, close } = await open(join(work, "fortnight/report.html"));
    const tables = await page.locator("table[data-name]").count(), charts = await page.locator(".chart, .multiples").count();
    assert.deepEqual([await page.getByRole("button", { name: / as CSV$/ }).count(), await page.getByRole("button", { name: / as SVG$/ }).count(), await page.getByRole("button", { name: / as PNG$/ }).count()], [tables, charts, charts]);
    const csv = await saved(page, "#csv-Posts");
    assert.equal(csv.name, "posts_2026-11-17_2026-11-23.csv");
    const lines = csv.content.toString("utf8").split("\r\n");
    assert.match(lines[0], /^\ufeffHouse,Post,Published,/);
    const { posts } = JSON.parse(run(join(work, "fortnight"), "report", "--json"));
    const week = posts.filter((post) => post.time >= Date.parse("2026-11-17") / 1000 && post.time < Date.parse("2026-11-24") / 1000);
    assert.equal(lines.length, week.length + 2);
    const svg = await saved(page, '[aria-label="Likes and comments gained as SVG"]');
    assert.match(svg.content.toString(), /^<svg[\s\S]*17 Nov – 23 Nov 2026[\s\S]*<rect/);
    const png = await saved(page, '[aria-label="Likes and comments gained as PNG"]');
    assert.deepEqual([...png.content.subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47]);
    assert.ok(png.content.length > 10_000, `${png.content.length} bytes`);
    assert.deepEqual(troubles, []);
    await close();
  },

  async "it has no finding of axe, in both themes and on a phone, and the keyboard reaches everything"() {
    for (const options of [{}, { dark: true }, { width: 390, height: 844, phone: true }, { width: 320, height: 700, phone: true }]) {
      const { page, troubles, close } = await open(join(work, "fortnight/report.html"), options);
      assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), options.dark ? "dark" : "light");
      assert.ok((await tooWide(page)) <= 0, `${options.width} pixels: the page is ${await tooWide(page)} too wide`);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run());
      assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes[0].html}`), []);
      await shoot(page, options.dark ? "dark" : options.width ? `phone-${options.width}` : "light", { fullPage: true });
      assert.deepEqual(troubles, []);
      await close();
    }
    const { page, close } = await open(join(work, "fortnight/report.html"));
    const focus = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
    await page.keyboard.press("Tab");
    assert.match(await focus(), /Skip/);
    for (let i = 0; i < 12 && (await focus()) !== "range-Lastday"; i++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.equal(await focus(), "range-Lastday", "the focus stays");
    assert.match(await page.locator("#period").innerText(), /^23 Nov 2026$/);
    await close();
  },

  async "every colour stands out from the paper and from the others, in both themes"() {
    for (const dark of [false, true]) {
      const { page, close } = await open(join(work, "fortnight/report.html"), { dark });
      const read = (names) => page.evaluate((names) => names.map((name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()), names);
      const [paper, ...colours] = await read(["--paper", ...Array.from({ length: 5 }, (_, i) => `--c${i}`)]);
      for (const c of colours) assert.ok(contrast(c, paper) >= 3, `${c} on ${paper}: ${contrast(c, paper).toFixed(2)}`);
      colours.forEach((a, i) => colours.slice(i + 1).forEach((b) => assert.ok(distance(a, b) >= 0.07, `${a} and ${b}: ${distance(a, b).toFixed(3)}`)));
      for (const c of await read(["--ink", "--soft", "--accent", "--good", "--bad"])) assert.ok(contrast(c, paper) >= 4.5, `${c} on ${paper}: ${contrast(c, paper).toFixed(2)}`);
      await close();
    }
  },

  async "hostile text is shown as text, and a broken file is reported"() {
    const at = folder("hostile");
    const bad = `</script><script>window.pwned=1</script><img src=x onerror="window.pwned=1"><!-- \u2028 {data} "'&lt;`;
    const media = (id, time) => ({ user_id: "1", media_id: id, timestamp: time, caption: bad, media_type: bad, media_product_type: "FEED", permalink: "javascript:window.pwned=1", like_count: 3, comments_count: 0 });
    for (const hour of ["01", "02"]) {
      const when = `2026-11-24_${hour}0000`;
      put(at, `raw/brand_2026-11-24/brand_${when}.json`, JSON.stringify([{ user_id: "1", user_name: bad, name: bad, followers_count: 10 + Number(hour), media_count: 1 }]));
      put(at, `raw/media_2026-11-24/media_${when}.json`, JSON.stringify([media("5", "2026-11-24T01:30:00+0000")]));
      put(at, `quality/media_2026-11-24/media_${when}.json`, JSON.stringify({ sandbox: true, failed_topics: [{ topic: bad, kind: bad, message: bad }], rejected: [{ topic: bad, reason: bad, record: {} }], defaulted: { [bad]: { [bad]: [{ id: "5" }] } } }));
    }
    put(at, "raw/media_2026-11-24/media_2026-11-24_030000.json", '[{"media_id":"5"');
    put(at, `raw/media_2026-11-24/<img src=x onerror=window.pwned=1>.json`, "[]");
    run(at, "report");
    const { page, troubles, close } = await open(join(at, "report.html"));
    assert.equal(await page.evaluate(() => window.pwned), undefined);
    assert.equal(await page.locator("img, script:not(head *):nth-of-type(n+3), [href^=javascript]").count(), 0);
    assert.match(await page.locator("#section-5").textContent(), /<\/script><script>window\.pwned=1<\/script><img/);
    assert.match(await page.locator("#notices").innerText(), /made-up data[\s\S]*do not cover all of 24 Nov[\s\S]*2 objects of records have no quality object[\s\S]*2 files could not be used/);
    assert.match(await page.locator("#section-7").textContent(), /media_2026-11-24_030000\.jsonEOF/);
    const csv = (await saved(page, "#csv-Posts")).content.toString("utf8");
    assert.ok(csv.includes('onerror=""window.pwned=1""'), csv);
    assert.deepEqual(troubles, []);
    await close();
  },

  async "a house whose growth is unknown has no figure, and a hole of a day is named"() {
    const at = folder("levels");
    // House 1 gains 10 an hour and is answered from two levels. House 3 jumps once. The third day has no runs.
    const upper = (hour) => (hour * 7) % 5 < 2;
    for (let hour = 0; hour < 96; hour++) if (hour < 48 || hour >= 72) putHour(at, hour, { 1: [1_000_000 + 10 * hour + (upper(hour) ? 9_000 : 0), 100 * hour], 3: [3_000_000 + hour + (hour > 36 ? 9_000 : 0), 0] });
    run(at, "report");
    const { page, troubles, close } = await open(join(at, "report.html"));
    assert.match(await page.locator("#notices").innerText(), /There is no data of 25 Nov/);
    await page.locator("#range-from").fill("2026-11-24");
    await page.locator("#range-to").fill("2026-11-24");
    const rows = await rowsOf(page, "Growth by house");
    const of = (account) => rows.find(([label]) => label === account);
    assert.deepEqual(of("house.3").slice(1, 3), ["–", "–"]);
    assert.deepEqual(of("house.1").slice(4), ["+240", "1,000,470", "1 of 1"]);
    assert.match(await page.locator("#section-1 .takeaway").textContent(), /^house\.1 grew the most/);
    assert.deepEqual(troubles, []);
    await close();
  },

  async "a late repair counts when it was asked, and its hour is a missing run that was filled late"() {
    const at = folder("late");
    for (let hour = 0; hour < 24; hour++) if (hour !== 8) putHour(at, hour, { 1: [1_000_000 + 10 * hour, 100 * hour] });
    putHour(at, 8, { 1: [1_000_165, 1650] }, 8.5 * 3600, "_part-0a");
    run(at, "report");
    const { page, troubles, close } = await open(join(at, "report.html"));
    assert.match(await page.locator("#section-7 .takeaway").textContent(), /^0 topics failed and 1 run is missing in this period\.$/);
    assert.deepEqual(await rowsOf(page, "Missing runs"), [["brand_media", "23 Nov, 07:00", "23 Nov, 09:00", "1"]]);
    assert.deepEqual(await rowsOf(page, "Runs that were filled late"), [["23 Nov, 08:00", "brand_media", "23 Nov, 16:30", "house.1"]]);
    assert.deepEqual(troubles, []);
    await close();
  },

  async "a single run is a page too"() {
    const at = folder("single");
    run(at, "brand_media", "--sandbox");
    run(at, "report");
    const { page, troubles, close } = await open(join(at, "report.html"));
    assert.match(await page.locator("#headline").innerText(), /no figure in this period/);
    assert.match(await page.locator("#provenance").innerText(), /nothing is compared.*sandbox_env/);
    assert.match(await page.locator("#notices").innerText(), /made-up data/);
    assert.deepEqual(troubles, []);
    await close();
  },
};

// Contrast as WCAG computes it, and distance in OKLab.
function linear(hex) {
  const value = hex.slice(1).length === 3 ? [...hex.slice(1)].map((c) => c + c).join("") : hex.slice(1);
  return [0, 2, 4].map((i) => parseInt(value.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
}
function contrast(a, b) {
  const [x, y] = [a, b].map((c) => { const [r, g, bl] = linear(c); return 0.2126 * r + 0.7152 * g + 0.0722 * bl + 0.05; });
  return Math.max(x, y) / Math.min(x, y);
}
function distance(a, b) {
  const lab = (hex) => {
    const [r, g, bl] = linear(hex);
    const [l, m, s] = [0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * bl, 0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * bl, 0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * bl].map(Math.cbrt);
    return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
  };
  return Math.hypot(...lab(a).map((v, i) => v - lab(b)[i]));
}

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}\n${error.stack}`);
  }
}
await browser.close();
if (!process.env.KEEP) rmSync(work, { recursive: true });
else console.log(`kept: ${work}`);
process.exitCode = failed ? 1 : 0;
