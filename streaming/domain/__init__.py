"""Pure market data: ticks, bars, trading sessions. Prices and turnover are whole numbers of 1/10,000 of the trading
currency (`_e4`), so that sums are exact; volumes are whole shares; instants are epoch milliseconds (`_ms`)."""

E4 = 10_000
