import type { LiveSocket, LiveSocketEvents } from "./live-client.ts";

/** The live connection over the browser's WebSocket, to where the page came from. */
export function openBrowserSocket(events: LiveSocketEvents): LiveSocket {
  const { protocol, host } = window.location;
  const socket = new WebSocket(`${protocol === "https:" ? "wss" : "ws"}://${host}/api/v1/live`);
  socket.onopen = () => events.opened();
  socket.onmessage = ({ data }) => events.received(String(data));
  socket.onclose = ({ code }) => events.closed(code);
  return { send: (text) => socket.send(text), close: () => socket.close() };
}

/** Draws with the next frame, or soon when the page is hidden and has no frames. */
export function withNextFrame(callback: () => void): void {
  if (document.hidden) setTimeout(callback, 250);
  else requestAnimationFrame(callback);
}
