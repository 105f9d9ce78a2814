// What scripts add to a page that is whole without them: rows that live, keys, and a list that stays where it was.

import { begin as beginKeys } from "./keys.js";
import { begin as beginLive } from "./live.js";
import { grow } from "./rows.js";

const GROW_MS = 5_000;

function stayWhereItWas(list) {
  const pane = list.closest(".list");
  const name = `scroll?${list.dataset.query}`;
  try {
    pane.scrollTop = Number(sessionStorage.getItem(name) ?? 0);
    window.addEventListener("pagehide", () => sessionStorage.setItem(name, String(pane.scrollTop)));
  } catch { /* it begins at its top */ }
  list.querySelector("[aria-current]")?.closest(".row").scrollIntoView({ block: "nearest" });
}

const list = document.getElementById("rows");
for (const element of document.querySelectorAll(".scripted")) element.hidden = false;
stayWhereItWas(list);
beginKeys(list, beginLive(list));
setInterval(grow, GROW_MS);
document.documentElement.dataset.ready = "yes";
