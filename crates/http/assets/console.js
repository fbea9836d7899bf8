// Enhances the console: every link and form works without this script.
(() => {
  "use strict";

  // `/` focuses the search, as long as nothing is being typed.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea, [contenteditable]");
    const search = document.getElementById("find");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey && search) {
      event.preventDefault();
      const menu = document.getElementById("menu");
      if (menu && getComputedStyle(menu).display === "none") {
        location.hash = "menu";
      }
      search.focus();
      search.select();
    }
  });

  // Copies the text of an element, or the address of the page.
  const enableCopying = (root) => {
    for (const button of root.querySelectorAll("button[data-copy]")) {
      button.hidden = !navigator.clipboard;
    }
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) {
      return;
    }
    const source = button.dataset.copy ? document.getElementById(button.dataset.copy) : null;
    await navigator.clipboard.writeText(source ? source.textContent : location.href);
    const label = button.querySelector("span");
    const before = label.textContent;
    label.textContent = "Copied";
    setTimeout(() => { label.textContent = before; }, 2000);
  });

  // Suggestions under a search, as HTML from the server, which escapes every name in it.
  const suggest = (form) => {
    const input = form.querySelector("input[type=search]");
    const list = document.createElement("div");
    list.className = "suggestions";
    list.hidden = true;
    form.append(list);
    let timer;
    let latest = 0;
    const close = () => { list.hidden = true; };
    const load = async () => {
      const number = ++latest;
      const text = input.value.trim();
      if (text.length < 2) {
        close();
        return;
      }
      const response = await fetch(form.dataset.suggest + "?q=" + encodeURIComponent(text));
      if (!response.ok || response.redirected || number !== latest) {
        return;
      }
      list.innerHTML = await response.text();
      list.hidden = list.childElementCount === 0;
    };
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => load().catch(close), 120);
    });
    form.addEventListener("keydown", (event) => {
      const links = [...list.querySelectorAll("a")];
      const at = links.indexOf(document.activeElement);
      if (event.key === "Escape") {
        close();
        input.focus();
      } else if (!list.hidden && event.key === "ArrowDown" && links.length > 0) {
        event.preventDefault();
        links[Math.min(at + 1, links.length - 1)].focus();
      } else if (!list.hidden && event.key === "ArrowUp" && at >= 0) {
        event.preventDefault();
        (at === 0 ? input : links[at - 1]).focus();
      }
    });
    form.addEventListener("focusout", (event) => {
      if (!form.contains(event.relatedTarget)) {
        close();
      }
    });
  };

  // Filters, sorting and paging replace the list alone, and the address with it.
  const replace = async (url, push) => {
    const response = await fetch(url, { headers: { Accept: "text/html" } });
    const region = document.querySelector("[data-live]");
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector("[data-live]");
    if (!response.ok || response.redirected || !region || !fresh) {
      location.assign(url);
      return;
    }
    const focused = document.activeElement && region.contains(document.activeElement) ? document.activeElement.id : "";
    const caret = focused && document.activeElement.selectionStart;
    region.replaceWith(fresh);
    const again = focused && document.getElementById(focused);
    if (again) {
      again.focus();
      if (again.type === "search" && typeof caret === "number") {
        again.setSelectionRange(caret, caret);
      }
    }
    if (push) {
      history.pushState(null, "", url);
    }
  };
  const address = (form) => {
    // Not `form.action`, which is a field where there is one of that name.
    const url = new URL(form.getAttribute("action"), location.href);
    for (const [name, value] of new FormData(form)) {
      if (value) {
        url.searchParams.set(name, value);
      }
    }
    return url;
  };
  const filterOf = (element) => element.closest("[data-live] form.filters");
  document.addEventListener("change", (event) => {
    const form = filterOf(event.target);
    if (form && event.target.matches("select")) {
      replace(address(form), true);
    }
  });
  let typed;
  document.addEventListener("input", (event) => {
    const form = filterOf(event.target);
    if (form && event.target.matches("input[type=search]")) {
      clearTimeout(typed);
      typed = setTimeout(() => replace(address(form), true), 250);
    }
  });
  document.addEventListener("submit", (event) => {
    const form = filterOf(event.target);
    if (form) {
      event.preventDefault();
      clearTimeout(typed);
      replace(address(form), true);
    }
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-live] thead a, [data-live] .pager a, [data-live] .empty a");
    if (link && event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      replace(link.href, true);
    }
  });
  if (document.querySelector("[data-live]")) {
    addEventListener("popstate", () => replace(location.href, false));
  }

  // A form that is checked while it is typed: the server answers with the parts that say how it is.
  const enableChecking = (form) => {
    let timer;
    let latest = 0;
    const check = async () => {
      const number = ++latest;
      const response = await fetch(form.dataset.check, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      if (!response.ok || response.redirected || number !== latest) {
        return;
      }
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      for (const fresh of page.querySelectorAll("[data-part]")) {
        const part = form.querySelector(`[data-part="${fresh.dataset.part}"]`);
        if (part) {
          part.replaceWith(fresh);
        }
      }
      const condition = form.querySelector("#condition");
      if (condition) {
        const wrong = form.querySelector('[data-part="condition-check"][data-wrong]');
        condition.toggleAttribute("aria-invalid", Boolean(wrong));
        if (wrong) {
          condition.setAttribute("aria-invalid", "true");
        }
      }
    };
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(() => check().catch(() => {}), 300);
    };
    form.addEventListener("input", later);
    form.addEventListener("change", later);
    addEventListener("pageshow", (event) => { if (event.persisted) { later(); } });
  };

  // Shows the progress of a run as the server sends it: parts of the page, as HTML from the server, which escapes every
  // name in it. The whole page is loaded again when the run has ended.
  const follow = (element) => {
    const source = new EventSource(element.dataset.events);
    source.addEventListener("message", (event) => {
      const sent = new DOMParser().parseFromString(event.data, "text/html");
      for (const part of sent.querySelectorAll("[data-part]")) {
        const shown = document.querySelector(`[data-part="${part.dataset.part}"]`);
        if (shown && shown.innerHTML !== part.innerHTML) {
          shown.innerHTML = part.innerHTML;
        }
      }
    });
    source.addEventListener("end", () => {
      source.close();
      location.reload();
    });
    source.addEventListener("error", () => {
      // The browser connects again by itself unless it was refused.
      if (source.readyState === EventSource.CLOSED) {
        setTimeout(() => location.reload(), 5000);
      }
    });
    addEventListener("pagehide", () => source.close());
  };

  enableCopying(document);
  document.querySelectorAll("form[data-check]").forEach(enableChecking);
  document.querySelectorAll("[data-events]").forEach(follow);
  document.querySelectorAll("form[data-suggest]").forEach(suggest);
})();
