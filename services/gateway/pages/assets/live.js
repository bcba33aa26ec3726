// Follows a forecast until it settles: one event stream for all tabs of a comparison, none while the tab is hidden.

import { fetchFragment, swap } from "./fragment.js";
import { localiseTimes } from "./times.js";

const POLL_MS = 5_000; // between attempts where the stream is closed and the page is not settled
const RETRY_MS = 2_000; // after a failed fetch, doubled up to
const MAX_RETRY_MS = 30_000;

const state = () => document.getElementById("state");
const settled = () => state()?.hasAttribute("data-settled");
const key = () => `${state()?.dataset.state} ${state()?.dataset.version}`;

/** Swaps the children of `live` when the forecast changes, and announces each new state once. */
export function followForecast(live, announce) {
  const address = live.dataset.events;
  const channel = globalThis.BroadcastChannel ? new BroadcastChannel(`warmcast ${address}`) : null;
  let lastEventId = "";
  let stop = () => {};
  let timer = 0;
  let retryMs = RETRY_MS;
  let refreshing = false;
  let missed = false; // whether the forecast changed during a fetch

  async function refresh() {
    clearTimeout(timer);
    if (document.hidden) return;
    // One fetch at a time, so that an older fragment does not replace a newer one.
    if (refreshing) {
      missed = true;
      return;
    }
    refreshing = true;
    do {
      missed = false;
      await fetchOnce();
    } while (missed);
    refreshing = false;
    if (settled()) stop();
  }

  async function fetchOnce() {
    try {
      const fragment = await fetchFragment(live.dataset.fragment);
      if (!fragment) throw new Error("no fragment");
      const before = key();
      swap(live, fragment);
      localiseTimes(live);
      retryMs = RETRY_MS;
      if (key() !== before) announce(live.querySelector("[data-announce]")?.textContent.trim() ?? "");
    } catch {
      timer = setTimeout(refresh, retryMs);
      retryMs = Math.min(2 * retryMs, MAX_RETRY_MS);
    }
  }

  function received(id) {
    lastEventId = id;
    refresh();
  }

  /** Opens the stream, and resolves when it is closed. */
  function openStream() {
    return new Promise((resolve) => {
      const after = lastEventId ? `&after=${encodeURIComponent(lastEventId)}` : "";
      const source = new EventSource(address + after);
      const close = () => {
        source.close();
        resolve();
      };
      stop = close;
      source.addEventListener("status", (event) => {
        received(event.lastEventId);
        channel?.postMessage(event.lastEventId);
      });
      source.addEventListener("error", () => {
        // The browser reconnects, unless the server has ended or refused the stream.
        if (source.readyState !== EventSource.CLOSED) return;
        close();
        if (settled()) return;
        const again = setTimeout(() => {
          refresh();
          start();
        }, POLL_MS);
        stop = () => clearTimeout(again);
      });
    });
  }

  function start() {
    if (document.hidden || settled()) return;
    const waiting = new AbortController();
    stop = () => waiting.abort();
    if (!channel || !navigator.locks) {
      openStream();
      return;
    }
    // The tab that holds the lock has the stream; another one takes over when it is closed or hidden.
    navigator.locks
      .request(`warmcast ${address}`, { signal: waiting.signal }, () =>
        document.hidden || settled() ? undefined : openStream())
      .catch(() => {});
  }

  channel?.addEventListener("message", (event) => received(event.data));
  document.addEventListener("visibilitychange", () => {
    stop();
    clearTimeout(timer);
    if (document.hidden || settled()) return;
    refresh();
    start();
  });
  // A page that comes back from the browser's cache may be old.
  addEventListener("pageshow", (event) => event.persisted && (refresh(), start()));
  addEventListener("pagehide", () => stop());
  start();
}
