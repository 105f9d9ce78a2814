// One row: filled from what the stream says, exactly as the server writes it (a test compares the two).

const STEPS = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "min"], [1_000, "s"]];

const spelled = (c) => `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;

/** The text with every character that is not plainly visible as its number, as `rendering.shown` does. */
export function shown(text) {
  return text
    .replace(/(\p{M}{2})(\p{M}+)/gu, (_, kept, more) => kept + Array.from(more, spelled).join(""))
    .replace(/(?![ \n\t])[\p{C}\p{Z}]/gu, spelled);
}

/** How long ago: "12 s", "3 min". */
export function age(then, now) {
  const [size, name] = STEPS.find(([size]) => now - then >= size) ?? STEPS.at(-1);
  return `${Math.floor(Math.max(0, now - then) / size)} ${name}`;
}

/** Somebody who acts here. */
export function personWords(staff, login) {
  return login === undefined ? staff : `${login} (${staff})`;
}

/** Whom an alert is about. */
export function who(alert) {
  return alert.who.staff ?? `login ${alert.who.login} at ${alert.who.source}`;
}

/** What was made of it. */
export function status(alert, staff, words) {
  if (alert.status === "acknowledged") return `held by ${alert.holder === staff ? "you" : personWords(alert.holder, alert.holder_login)}`;
  if (alert.status === "closed") return `closed: ${alert.disposition ? words.dispositions[alert.disposition] : "withdrawn"}`;
  return alert.status;
}

function findings(alert) {
  const words = `${alert.standing} findings`;
  if (alert.accesses === alert.standing) return words;
  return `${words} of ${alert.accesses} access${alert.accesses === 1 ? "" : "es"}`;
}

function extras(alert, words) {
  const parts = alert.circumstances.map((name) => words.circumstances[name]);
  if (alert.certainty !== "final" && alert.standing) parts.unshift(alert.certainty);
  if (alert.standing > 1) parts.unshift(findings(alert));
  if (alert.shown) parts.push(`${alert.shown} other${alert.shown > 1 ? "s" : ""} shown`);
  parts.push(...alert.owed.filter((one) => !one.reference).map((one) => `owed: ${one.obligation}`));
  return parts.join(" · ");
}

/** Writes an alert into a row. */
export function fill(row, alert, { staff, words, query }) {
  const put = (name, text) => { row.querySelector(name).textContent = shown(text); };
  row.dataset.id = alert.alert_id;
  row.dataset.version = alert.version;
  row.dataset.status = alert.status;
  row.querySelector("a").href = `/alerts/${alert.alert_id}${query ? `?${query}` : ""}`;
  row.querySelector(".severity").className = `severity ${alert.severity}`;
  row.querySelector("use").setAttribute("href", `#shape-${alert.severity}`);
  row.querySelector(".state .status").className = `status ${alert.status}`;
  put(".word", alert.severity);
  put(".who", who(alert));
  put(".did", alert.sentence.slice(who(alert).length));
  put(".because", alert.because);
  put(".state .status", status(alert, staff, words));
  put(".extras", extras(alert, words));
  const time = row.querySelector("time");
  time.dateTime = alert.opened_at;
  time.textContent = age(Date.parse(alert.opened_at), Date.now());
}

/** Says anew how old everything is. */
export function grow() {
  for (const time of document.querySelectorAll("time.age")) {
    const text = age(Date.parse(time.dateTime), Date.now());
    if (time.textContent !== text) time.textContent = text;
  }
}
