// Keeps a page up to date: one event stream for all tabs of an address, none while the tab is hidden.

const POLL_MS = 5_000; // between attempts where the stream is closed
const RETRY_MS = 2_000; // after a failed update, doubled up to
const MAX_RETRY_MS = 30_000;

/**
 * Calls `update` at each event named `event`, when the tab is shown again, and every `everyMs` if given.
 *
 * Updates run one at a time, so that an older answer does not replace a newer one; one that throws is tried again.
 * Once `settled()`, the stream is closed. Returns a function that updates now.
 */
export function follow(address, event, update, { settled = () => false, everyMs = 0 } = {}) {
  const channel = globalThis.BroadcastChannel ? new BroadcastChannel(`warmcast ${address}`) : null;
  let lastEventId = "";
  let stop = () => {};
  let timer = 0;
  let retryMs = RETRY_MS;
  let updating = false;
  let missed = false; // whether something changed during an update

  async function refresh() {
    clearTimeout(timer);
    if (document.hidden) return;
    if (updating) {
      missed = true;
      return;
    }
    updating = true;
    do {
      missed = false;
      await updateOnce();
    } while (missed);
    updating = false;
    if (settled()) stop();
    else if (everyMs && retryMs === RETRY_MS) timer = setTimeout(refresh, everyMs);
  }

  async function updateOnce() {
    try {
      await update();
      retryMs = RETRY_MS;
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
      source.addEventListener(event, ({ lastEventId: id }) => {
        received(id);
        channel?.postMessage(id);
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

  channel?.addEventListener("message", (message) => received(message.data));
  document.addEventListener("visibilitychange", () => {
    stop();
    clearTimeout(timer);
    if (document.hidden || settled()) return;
    refresh();
    start();
  });
  // A page that comes back from the browser's cache may be old.
  addEventListener("pageshow", (shown) => shown.persisted && (refresh(), start()));
  addEventListener("pagehide", () => stop());
  start();
  if (everyMs && !settled()) timer = setTimeout(refresh, everyMs);
  return refresh;
}
