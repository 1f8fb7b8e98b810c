// Colours of charts, by the reader's light or dark. Red rises and green falls, as on the screens of these markets.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const LIGHT = { ink: "#56625f", line: "#edf1ef", up: "#c8362f", down: "#1d8a5b", means: ["#b7791f", "#2563a8", "#8447a8"], vwap: "#0b7a8c", mark: "#9db5b0" };
const DARK = { ink: "#9dadaa", line: "#1d2928", up: "#ef5b52", down: "#3fb983", means: ["#e0b04c", "#6aa8ef", "#c08ae0"], vwap: "#4cc3d4", mark: "#4e6a66" };

export function looks() { return dark.matches ? DARK : LIGHT; }

/** @returns {() => void} ends it */
export function whenLooksChange(what) {
  dark.addEventListener("change", what);
  return () => dark.removeEventListener("change", what);
}
