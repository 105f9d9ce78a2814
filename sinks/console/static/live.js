// Live rows: what changes is written where it stands; what is new waits while somebody points at the list or is in it.

import { fill, personWords, shown } from "./rows.js";

const ROWS_MAX = 200; // as many as a page can have
const AGAIN_MS = 3_000; // after an answer that browsers do not try again by themselves
const COUNT_MS = 1_000; // between two looks at the counts
const GRAVEST = ["critical", "high", "medium", "low"];

/** Begins, on the list of this page. */
export function begin(list) {
  const pane = list.closest(".list");
  const bar = document.getElementById("live");
  const said = document.getElementById("said");
  const showButton = document.getElementById("show");
  const pauseButton = document.getElementById("pause");
  const detail = document.getElementById("detail");
  const context = { staff: list.dataset.staff, words: JSON.parse(list.dataset.words), query: list.dataset.query };
  const wanted = new URLSearchParams(list.dataset.query);
  const pageEnds = document.querySelector(".pager [rel=next]") ? list.lastElementChild?.dataset.placed : undefined;
  const held = new Map();
  const locked = new Set();
  let isPointed = false, isPaused = false, isMissing = false, counting = null;

  const rowOf = (id) => list.querySelector(`[data-id="${CSS.escape(id)}"]`);
  const isWithin = () => list.contains(document.activeElement) && !("resting" in list.dataset);
  const isBusy = () => isPointed || isWithin() || pane.scrollTop > 0 || held.size > 0;

  function say(text, kind = "") {
    if (isMissing) return; // that stays until the page is loaded again
    if (said.textContent !== text) said.textContent = text;
    bar.className = `live ${kind}`;
    showButton.hidden = !held.size;
  }

  function tell() {
    const fresh = [...held.values()].filter((alert) => !rowOf(alert.alert_id)).length;
    const parts = [fresh ? `${fresh} new` : "", held.size - fresh ? `${held.size - fresh} changed` : ""].filter(Boolean);
    if (isPaused) say(`Paused. ${parts.length ? `${parts.join(", ")}.` : "Nothing has changed since."}`, parts.length ? "news" : "");
    else say(parts.length ? parts.join(", ") : "Live", parts.length ? "news" : "");
  }

  /** Whether it belongs in this list, as far as one can know here: a search is the server's. */
  function belongs(alert) {
    if (wanted.has("q") || wanted.has("after")) return false;
    const any = (name, value) => !wanted.has(name) || wanted.getAll(name).includes(value);
    const holder = wanted.get("holder");
    return ["status", "severity", "outcome", "clause", "disposition"].every((name) => any(name, alert[name]))
      && (holder === null || alert.holder === (holder === "me" ? context.staff : holder))
      && (wanted.get("owed") !== "true" || alert.owed.some((one) => !one.reference));
  }

  /** Whether its place is before a row that was placed by this severity; what has changed in a row moves it no more. */
  function isBefore(alert, placed) {
    return wanted.get("order") !== "severity" || GRAVEST.indexOf(alert.severity) <= GRAVEST.indexOf(placed);
  }

  /** Whether it belongs in this list, and not on a page to come. */
  function comes(alert) {
    return belongs(alert) && (pageEnds === undefined || isBefore(alert, pageEnds));
  }

  function rewrite(row, alert) {
    if (Number(row.dataset.version) >= alert.version) return;
    const height = row.offsetHeight;
    fill(row, alert, context);
    row.classList.toggle("left", !wanted.has("q") && !wanted.has("after") && !belongs(alert));
    if (isPointed && row.offsetHeight !== height) {
      row.style.height = `${height}px`; // nothing moves under the pointer; it has its room again when that is gone
      locked.add(row);
    }
  }

  function insert(alert) {
    const row = document.getElementById("a-row").content.firstElementChild.cloneNode(true);
    fill(row, alert, context);
    row.classList.add("fresh");
    row.dataset.placed = alert.severity;
    list.insertBefore(row, [...list.children].find((other) => isBefore(alert, other.dataset.placed)) ?? null);
    document.getElementById("empty")?.remove();
    while (list.children.length > ROWS_MAX) list.lastElementChild.remove();
    return row.isConnected ? row : null;
  }

  function unlock() {
    for (const row of locked) row.style.height = "";
    locked.clear();
  }

  function show() {
    const waiting = [...held.values()].sort((a, b) => (a.last_at < b.last_at ? -1 : 1));
    held.clear();
    unlock();
    let newest = null;
    for (const alert of waiting) {
      const row = rowOf(alert.alert_id);
      if (row) rewrite(row, alert);
      else newest = insert(alert) ?? newest;
    }
    pane.scrollTop = 0;
    tell();
    return newest;
  }

  function hear(alert) {
    const row = rowOf(alert.alert_id);
    if (detail?.dataset.id === alert.alert_id && Number(detail.dataset.version) < alert.version) {
      if (isNothing(alert)) pass(alert);
      else changed(alert);
    }
    if (isPaused) {
      if (row ? Number(row.dataset.version) < alert.version : comes(alert)) held.set(alert.alert_id, alert);
      else held.delete(alert.alert_id);
      tell();
    } else if (row) {
      rewrite(row, alert);
    } else if (!comes(alert)) {
      if (held.delete(alert.alert_id)) tell();
    } else if (isBusy()) {
      held.set(alert.alert_id, alert);
      tell();
    } else {
      if (insert(alert)) say(`New: ${shown(alert.sentence)}`);
    }
    counting ??= setTimeout(count, COUNT_MS);
  }

  /** That the service looked back and found nothing changes nothing to decide on; what is sent from here stays good. */
  function isNothing(alert) {
    const isNext = Number(detail.dataset.version) === alert.version - 1;
    return isNext && !("lookedBack" in detail.dataset) && alert.last_by === undefined && alert.looked_back === 0;
  }

  function pass(alert) {
    detail.dataset.version = alert.version;
    detail.dataset.lookedBack = alert.looked_back;
    for (const field of detail.querySelectorAll('[name="version"]')) field.value = alert.version;
  }

  /** The alert that is open is not what it was: said, and nothing is taken from under the hands of who writes. */
  function changed(alert) {
    const notice = document.getElementById("changed");
    notice.hidden = false;
    notice.className = "live news";
    const by = alert.last_by === undefined ? "Need to Know" : alert.last_by === context.staff ? "You" : personWords(alert.last_by, alert.last_by_login);
    notice.querySelector("p").textContent = shown(`${by} did something here since you looked.`);
  }

  async function count() {
    counting = null;
    const answer = await fetch(`/alerts/counts${list.dataset.query ? `?${list.dataset.query}` : ""}`).catch(() => null);
    if (!answer?.ok) return;
    const counts = await answer.json();
    for (const place of document.querySelectorAll("[data-facet]")) {
      place.textContent = counts[place.dataset.facet][place.dataset.value] ?? 0;
    }
  }

  function pause() {
    isPaused = !isPaused;
    pauseButton.textContent = isPaused ? "Go on" : "Pause";
    pauseButton.classList.toggle("on", isPaused);
    if (isPaused) tell();
    else show();
  }

  function listen() {
    const source = new EventSource(`/api/v1/stream?since=${encodeURIComponent(list.dataset.since)}`);
    source.addEventListener("open", tell);
    source.addEventListener("alert", (event) => hear(JSON.parse(event.data)));
    source.addEventListener("missed", (event) => {
      const { missed } = JSON.parse(event.data);
      say(`${missed || "Some changes"} missed. `, "bad");
      append(location.href, "Load the page again");
      isMissing = true;
    });
    source.addEventListener("error", async () => {
      if (source.readyState !== EventSource.CLOSED) return say("No connection. Trying again; what you see is getting old", "bad");
      const answer = await fetch("/api/v1/sessions/current").catch(() => null);
      if (answer?.status === 401) return ended();
      say("No connection. Trying again; what you see is getting old", "bad");
      setTimeout(listen, AGAIN_MS);
    });
    window.addEventListener("pagehide", () => source.close(), { once: true });
  }

  function append(href, text) {
    const link = document.createElement("a");
    link.href = href;
    link.textContent = text;
    said.append(link);
  }

  function ended() {
    isMissing = false;
    say("You are signed out, and nothing new comes. ", "bad");
    const page = `/alerts${detail ? `/${detail.dataset.id}` : ""}${list.dataset.query ? `?${list.dataset.query}` : ""}`;
    append(`/sign-in?next=${encodeURIComponent(page)}`, "Sign in");
    pauseButton.disabled = true;
  }

  list.addEventListener("pointerenter", () => { isPointed = true; });
  list.addEventListener("pointerleave", () => { isPointed = false; unlock(); });
  showButton.addEventListener("click", () => show()?.querySelector("a").focus());
  pauseButton.addEventListener("click", pause);
  pauseButton.hidden = false;
  bar.hidden = false;
  listen();
  return { show, pause };
}
