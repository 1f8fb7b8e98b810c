// Where a session or a day begins: fine upright lines behind the candles, by the chart library's own plugin interface.

class Lines {
  #marks;

  constructor(marks) { this.#marks = marks; }

  draw(target) {
    target.useBitmapCoordinateSpace(({ context, bitmapSize, horizontalPixelRatio: ratio }) => {
      context.save();
      context.lineWidth = Math.max(1, Math.floor(ratio));
      for (const { x, day, colour } of this.#marks) {
        const at = Math.round(x * ratio) + 0.5;
        context.strokeStyle = colour;
        context.setLineDash(day ? [] : [4 * ratio, 4 * ratio]);
        context.beginPath();
        context.moveTo(at, 0);
        context.lineTo(at, bitmapSize.height);
        context.stroke();
      }
      context.restore();
    });
  }
}

export class SessionBreaks {
  #chart = null; #update = null; #breaks = []; #marks = []; #colour;
  #view = { zOrder: () => "bottom", renderer: () => new Lines(this.#marks) };

  constructor(colour) { this.#colour = colour; }

  attached({ chart, requestUpdate }) { this.#chart = chart; this.#update = requestUpdate; }

  detached() { this.#chart = null; }

  /** @param {{time: number, day: boolean}[]} breaks bars that are the first of theirs */
  set(breaks) { this.#breaks = breaks; this.#update?.(); }

  paneViews() { return [this.#view]; }

  updateAllViews() {
    const scale = this.#chart?.timeScale();
    if (!scale) return;
    const half = scale.options().barSpacing / 2;
    this.#marks = this.#breaks.map(({ time, day }) => ({ x: scale.timeToCoordinate(Math.floor(time)), day, colour: this.#colour() }))
      .filter(({ x }) => x !== null).map((mark) => ({ ...mark, x: mark.x - half }));
  }
}
