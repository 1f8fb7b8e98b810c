// Why a chart shows nothing, and what can be done about it. Pure.

const WITHOUT_BARS = ["empty", "failed"];
const MINUTES = ["1m", "5m", "15m", "30m", "1h"];

/**
 * Return what stands in a chart's place: [words' key, what a button there does ("" for none)].
 * @param {{symbol: string|null, interval: string, stands: string, following?: string, reason?: string|null, bars: number}} pane `stands` as the chart tells it
 */
export function emptinessOf({ symbol, interval, stands, following, reason, bars }) {
  if (symbol === null) return ["chart_choose", "choose"];
  if (stands === "loading") return ["chart_loading", ""];
  if (bars > 0 || !WITHOUT_BARS.includes(stands)) return ["", ""];
  if (following === "rejected") return [`reason_${reason}`, ""];
  if (following === "taken") return ["row_taken_chart", ""];
  if (!MINUTES.includes(interval)) return [`chart_${stands}`, ""];
  return [stands === "failed" ? "chart_failed" : "chart_no_minutes", "finer"];
}
