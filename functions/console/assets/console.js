// Times in the reader's zone, polling, focus, what a screen reader says, and what went wrong between page and server.
"use strict";
(() => {
  const language = navigator.languages.find((name) => name.startsWith("en")) ?? "en-GB";
  const formatter = (options) => new Intl.DateTimeFormat(language, options);
  const minute = formatter({ dateStyle: "medium", timeStyle: "short" });
  const second = formatter({ dateStyle: "full", timeStyle: "long" });
  const clock = formatter({ timeStyle: "short" });
  const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

  function sinceThen(moment) {
    const seconds = (moment - Date.now()) / 1000;
    const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
    return ago.format(Math.round(seconds / size), unit);
  }

  function showTimes(root) {
    for (const element of root.querySelectorAll("time[datetime*=T]")) {
      const moment = new Date(element.dateTime);
      if (Number.isNaN(moment.valueOf())) continue;
      const shown = { ago: sinceThen, clock: (when) => clock.format(when) }[element.dataset.as];
      element.textContent = shown ? shown(moment) : minute.format(moment);
      element.title = second.format(moment);
    }
  }

  // A live region speaks when its text changes. A fragment names its news once a step: <p data-say="…" hidden>.
  function say(root) {
    const news = root.matches?.("[data-say]") ? root : root.querySelector("[data-say]");
    const region = document.getElementById("live");
    if (news && region.textContent !== news.dataset.say) region.textContent = news.dataset.say;
  }

  function moveFocus(root) {
    const place = root.matches?.("[data-focus]") ? root : root.querySelector("[data-focus]");
    if (!place) return;
    if (!place.matches("a, button, input, select, textarea, [tabindex]")) place.tabIndex = -1;
    place.focus();
  }

  // One line above the part that could not be updated, with a button that asks again.
  const problems = new Map();

  function explained(status) {
    if (!status) return "The console cannot be reached. Check your connection.";
    if (status === 429) return "Too many requests at once.";
    if (status === 504) return "The answer took too long.";
    return `The console could not answer (${status}).`;
  }

  function forget(element) {
    problems.get(element)?.remove();
    problems.delete(element);
  }

  function showProblem(event) {
    const { elt: element, requestConfig: request, target, xhr } = event.detail;
    forget(element);
    const line = document.createElement("p");
    line.className = "notice bad";
    line.setAttribute("role", "alert");
    const words = document.createElement("span");
    words.textContent = `${explained(xhr?.status)} `;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = "Try again";
    button.addEventListener("click", () => {
      forget(element);
      const again = element.isConnected ? element : target;
      htmx.ajax(request.verb, request.path, { source: again, target, values: Object.fromEntries(request.formData ?? []) });
    });
    words.append(button);
    line.append(words);
    problems.set(element, line);
    (target?.isConnected ? target : document.getElementById("main")).before(line);
  }

  // A part that updates itself asks no more while its tab is hidden, and at once when it is seen again.
  const paused = new Set();
  document.addEventListener("htmx:beforeRequest", (event) => {
    const element = event.detail.elt;
    if (!document.hidden || !element.matches("[data-poll]")) return;
    event.preventDefault();
    paused.add(element);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const element of paused) {
      if (element.isConnected) htmx.trigger(element, "poll-now");
    }
    paused.clear();
    showTimes(document);
  });

  // What a reader has opened or scrolled in a part stays so when the part is replaced. The focus goes to what has the
  // same id (htmx does so, but not yet in what is to be opened), or to the whole part if that does not exist any more.
  let former = null;
  document.addEventListener("htmx:beforeSwap", ({ detail: { target, shouldSwap } }) => {
    if (!shouldSwap) return;
    former = {
      part: target.id,
      focused: target.contains(document.activeElement) && document.activeElement,
      open: [...target.querySelectorAll("details[id]")].map(({ id, open }) => [id, open]),
      scrolled: [...target.querySelectorAll(".wide[id]")].map(({ id, scrollLeft }) => [id, scrollLeft]),
    };
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (!former) return;
    const set = (name) => ([id, value]) => Object.assign(document.getElementById(id) ?? {}, { [name]: value });
    former.open.forEach(set("open"));
    former.scrolled.forEach(set("scrollLeft"));
    if (former.focused && document.activeElement === document.body) {
      const part = document.getElementById(former.part);
      const same = former.focused.id && document.getElementById(former.focused.id);
      if (!same && part) part.tabIndex = -1;
      (same || part)?.focus({ preventScroll: true });
    }
    former = null;
  });

  document.addEventListener("htmx:responseError", showProblem);
  document.addEventListener("htmx:sendError", showProblem);
  document.addEventListener("htmx:timeout", showProblem);
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) forget(event.detail.elt);
  });
  // Once for each request, with every part of the answer in its place.
  document.addEventListener("htmx:load", (event) => {
    showTimes(event.detail.elt.parentNode ?? document);
    say(event.detail.elt);
    moveFocus(event.detail.elt);
  });

  // The next page after a button of a form. If the session had ended, what was sent is saved after the sign-in (form.js).
  for (const key of Object.keys(sessionStorage).filter((name) => name.startsWith("sent:"))) {
    const promise = document.querySelector("[data-ended]");
    if (promise) {
      sessionStorage.setItem(key.replace("sent:", "draft:"), sessionStorage.getItem(key));
      promise.hidden = false;
    }
    sessionStorage.removeItem(key);
  }

  // What the browser kept of a page may be somebody's who has signed out.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    document.getElementById("live").textContent = "Copied";
    button.textContent = "Copied";
  });

  showTimes(document);
  setInterval(() => document.hidden || showTimes(document), 30_000);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const note = document.getElementById("zone");
  if (note && zone) note.textContent = `Times are in your time zone, ${zone}.`;
  document.documentElement.dataset.ready = "";
})();
