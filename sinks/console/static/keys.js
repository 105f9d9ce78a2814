// Keys: only while a row or the open alert has the focus, never while somebody types, and they can be turned off.

const STEPS = { a: "acknowledge", c: "close", n: "note", r: "reveal", x: "export", g: "release", o: "reopen", d: "record" };
const TYPING = "input:not([type=radio], [type=checkbox]), textarea, select, dialog";

/** Begins; `live` shows and pauses. */
export function begin(list, live) {
  const map = document.getElementById("keys");
  const detail = document.getElementById("detail");
  const search = document.getElementById("q");
  const isOn = map.querySelector("#keys-on");
  let isSent = false;

  const read = () => { try { return localStorage.getItem("keys") !== "off"; } catch { return true; } };
  const keep = () => { try { localStorage.setItem("keys", isOn.checked ? "on" : "off"); } catch { /* for this page */ } };

  function openMap() {
    map.showModal();
  }

  function move(row, by) {
    const next = by > 0 ? row.nextElementSibling : row.previousElementSibling;
    next?.querySelector("a").focus();
  }

  /** Opens a form of the alert, or does what needs none. */
  function step(name) {
    const found = document.getElementById(`do-${name}`);
    if (!found) return;
    if (found.matches("button")) return found.click();
    found.open = true;
    (found.querySelector("form :is(textarea, input:not([type=hidden]))") ?? found.querySelector("button")).focus();
    found.scrollIntoView({ block: "nearest" });
  }

  function stepOf(row, name) {
    const { href } = row.querySelector("a");
    if (name !== "acknowledge") return location.assign(`${href}#do-${name}`);
    if (isSent) return undefined;
    isSent = true;
    const form = document.getElementById("quick");
    const url = new URL(href);
    form.action = `${url.pathname}/acknowledge${url.search}`;
    form.elements.version.value = row.dataset.version;
    form.elements.key.value = Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("");
    return form.submit();
  }

  function back() {
    const row = list.querySelector("[aria-current]");
    if (row?.offsetParent) row.focus();
    else detail.querySelector(".back a").click();
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || map.open) return;
    const { target, key } = event;
    if (target.matches(TYPING)) {
      if (key === "Escape") target.closest("details")?.querySelector("summary").focus();
      return;
    }
    if (key === "?" && isOn.checked) return handled(event, openMap);
    const row = target.closest?.(".row");
    const isInside = row || target.closest?.("#detail");
    if (!isInside) return;
    if (row && key === "ArrowDown") return handled(event, () => move(row, 1));
    if (row && key === "ArrowUp") return handled(event, () => move(row, -1));
    if (!row && key === "Escape") return handled(event, back);
    if (!isOn.checked || event.shiftKey) return;
    if (row && key === "j") return handled(event, () => move(row, 1));
    if (row && key === "k") return handled(event, () => move(row, -1));
    if (key === "/" && search) return handled(event, () => search.focus());
    if (key === "s") return handled(event, () => live.show()?.querySelector("a").focus());
    if (key === "p") return handled(event, live.pause);
    if (STEPS[key]) return handled(event, () => (row ? stepOf(row, STEPS[key]) : step(STEPS[key])));
  }

  /** The first row has the focus, so that keys work at once. Until somebody does something, nobody is in the list. */
  function rest() {
    const first = list.querySelector(".row a");
    if (!first || document.activeElement !== document.body || matchMedia("(hover: none)").matches) return;
    first.focus({ preventScroll: true });
    list.dataset.resting = "";
    const begun = () => delete list.dataset.resting;
    for (const kind of ["keydown", "focusin", "pointerdown"]) document.addEventListener(kind, begun, { once: true });
  }

  function handled(event, act) {
    event.preventDefault();
    act();
  }

  isOn.checked = read();
  isOn.addEventListener("change", keep);
  document.addEventListener("keydown", onKey);
  const button = document.getElementById("keys-button");
  button.addEventListener("click", openMap);
  if (location.hash.startsWith("#do-")) step(location.hash.slice("#do-".length));
  else detail?.querySelector("details[open] :is(textarea, input:not([type=hidden]))")?.focus();
  if (detail && !detail.contains(document.activeElement)) detail.focus({ preventScroll: true });
  if (!detail && isOn.checked) rest();
}
