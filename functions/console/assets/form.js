// The form of an export: search in the audiences, rows of the mapping, and what was typed when the session ended.
"use strict";

(() => {
  const form = () => document.getElementById("draft");
  const list = () => document.getElementById("audience-list");
  const grouped = new Intl.NumberFormat("en-US");

  function filter() {
    const search = document.getElementById("search");
    const wanted = search.value.trim().toLocaleLowerCase();
    const only = document.getElementById("only-selected").checked;
    let shown = 0;
    for (const row of list().children) {
      const hit = (!only || row.querySelector("input").checked) && row.textContent.toLocaleLowerCase().includes(wanted);
      row.hidden = !hit;
      shown += hit;
    }
    document.getElementById("nothing").hidden = shown > 0;
  }

  function count() {
    const boxes = [...list().querySelectorAll("input:checked")];
    const size = (box) => parseInt(box.parentNode.querySelector(".n").textContent.replaceAll(",", ""), 10) || 0;
    const people = boxes.reduce((sum, box) => sum + size(box), 0);
    document.getElementById("selected").textContent =
      `${grouped.format(boxes.length)} selected, ${grouped.format(people)} people`;
  }

  // A Lytics field goes to SendGrid fields of its own type only.
  function fit(source) {
    const options = document.getElementById("sources").options;
    const option = [...options].find((one) => one.value === source.value);
    const target = source.closest(".mapped").querySelector("[name=to]");
    target.setAttribute("list", option ? `targets-${option.dataset.kind}` : "targets");
  }

  let added = 0;

  function addRow(event) {
    event.preventDefault();
    added += 1;
    const row = document.getElementById("row").content.firstElementChild.cloneNode(true);
    for (const node of row.querySelectorAll("[id], [for]")) {
      for (const name of ["id", "for"]) {
        if (node.hasAttribute(name)) node.setAttribute(name, node.getAttribute(name).replace("N", `new-${added}`));
      }
    }
    row.querySelector(".remove").hidden = false;
    document.getElementById("rows").append(row);
    row.querySelector("input").focus();
  }

  function removeRow(button) {
    const row = button.closest(".mapped");
    const next = row.nextElementSibling || row.previousElementSibling;
    row.remove();
    (next ? next.querySelector("input") : document.getElementById("more")).focus();
    form().dispatchEvent(new Event("change", { bubbles: true }));
  }

  // Whether a control differs from the page as it was rendered. A text that is still being typed is saved when it is left.
  function isChanged(control) {
    if (!control.name || control.name === "add" || ["hidden", "submit"].includes(control.type)) return false;
    if (["checkbox", "radio"].includes(control.type)) return control.checked !== control.defaultChecked;
    if (control.type !== "select-one") return control !== document.activeElement && control.value !== control.defaultValue;
    const rendered = [...control.options].findIndex((option) => option.defaultSelected);
    return control.selectedIndex !== Math.max(rendered, 0);
  }

  // What was filled in before the scripts ran, on a slow line, has told nobody.
  function saveWhatCameEarly() {
    if (sessionStorage.getItem(kept("draft")) !== null) return; // the page is loaded again
    if ([...form().elements].some(isChanged)) form().dispatchEvent(new Event("change", { bubbles: true }));
  }

  // Whatever is on the page now; called again after the choices have come.
  function wire() {
    for (const part of document.querySelectorAll(".tools, .mapped .remove")) part.hidden = false;
    for (const source of document.querySelectorAll("#rows [name=from]")) fit(source);
    // What is typed into these is no part of the form, so nothing is saved.
    for (const id of ["search", "only-selected", "add"]) {
      const node = document.getElementById(id);
      if (!node || node.dataset.wired) continue;
      node.dataset.wired = "";
      node.addEventListener("change", (event) => event.stopPropagation());
      node.addEventListener("input", (event) => {
        event.stopPropagation();
        if (id !== "add") filter();
      });
    }
  }

  // Another authorization clears the rest of the form, so a name that is still being typed is not saved.
  const authorization = () => document.getElementById("authorization");
  let chosen = document.activeElement === authorization() ? authorization().defaultValue : authorization()?.value;

  function fields(submitter) {
    const data = new FormData(form(), submitter);
    data.set("authorization", chosen);
    return data;
  }

  // What could not be saved because the session had ended is saved after the next sign-in. Only the page that says
  // that the session has ended makes a draft of what a button has sent (console.js).
  function kept(kind) {
    return `${kind}:${form().action}`;
  }

  function stash(kind, submitter) {
    sessionStorage.setItem(kept(kind), new URLSearchParams(fields(submitter)).toString());
  }

  async function restore() {
    const body = sessionStorage.getItem(kept("draft"));
    if (body === null) return;
    form().inert = true; // the page is loaded again in a moment
    const answer = await fetch(form().action, {
      method: "POST", body, headers: { "Content-Type": "application/x-www-form-urlencoded", "HX-Request": "true" },
    }).catch(() => null);
    if (answer?.ok) forget();
    else ask();
  }

  function forget() {
    sessionStorage.removeItem(kept("draft"));
    location.reload();
  }

  function ask() {
    const line = document.getElementById("unsaved").content.firstElementChild.cloneNode(true);
    const [again, without] = line.querySelectorAll("button");
    again.addEventListener("click", () => {
      line.remove();
      restore();
    });
    without.addEventListener("click", forget);
    form().before(line);
  }

  if (!form()) return;
  document.addEventListener("input", ({ target }) => {
    if (target.name === "audiences") count();
    else if (target.name === "from") fit(target);
  });
  document.addEventListener("click", (event) => {
    if (event.target.id === "more") addRow(event);
    else if (event.target.closest(".remove")) removeRow(event.target.closest(".remove"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.id === "search") event.preventDefault();
    if (event.key === "Enter" && event.target.id === "add") {
      event.preventDefault();
      event.target.parentNode.querySelector("button").click();
    }
    // With the arrows from one audience to the next that is shown.
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.target.name !== "audiences") return;
    const boxes = [...list().querySelectorAll("label:not([hidden]) input")];
    const next = boxes[boxes.indexOf(event.target) + step];
    if (next) next.focus();
    event.preventDefault();
  });
  authorization().addEventListener("input", (event) => event.stopPropagation());
  authorization().addEventListener("change", () => (chosen = authorization().value));
  // The browser says so only if it has changed since the field was entered, and that may have been before this script.
  authorization().addEventListener("blur", ({ target }) => {
    if (target.value !== chosen) target.dispatchEvent(new Event("change", { bubbles: true }));
  });
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.elt.id === "saver") detail.formData.set("authorization", chosen);
  });
  // A button sends all of the form. It waits for a save under way, which would overwrite it, and no save follows it.
  let isSent = false;
  let isSaving = false;
  let held = null;
  form().addEventListener("submit", (event) => {
    isSent = true;
    stash("sent", event.submitter);
    if (!isSaving) return;
    held = event.submitter;
    event.preventDefault();
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.id !== "saver") return;
    if (isSent) event.preventDefault();
    else isSaving = true;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.id !== "saver") return;
    isSaving = false;
    if (isSent && held) form().requestSubmit(held);
  });
  document.addEventListener("htmx:afterSwap", wire);
  document.addEventListener("htmx:beforeOnLoad", ({ detail }) => {
    if (detail.xhr.status === 401) stash("draft");
  });
  wire();
  restore();
  document.addEventListener("DOMContentLoaded", saveWhatCameEarly); // htmx listens from its own listener on
})();
