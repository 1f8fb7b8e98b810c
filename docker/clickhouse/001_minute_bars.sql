-- The tables of streaming/history/minutes.py, which also makes them where they are missing; a test keeps both the same.
CREATE TABLE IF NOT EXISTS minute_bars (
    symbol LowCardinality(String),
    opened_at DateTime('UTC'),
    open_e4 Int64, high_e4 Int64, low_e4 Int64, close_e4 Int64,
    volume Int64, turnover_e4 Int64,
    version UInt64
) ENGINE = ReplacingMergeTree(version) PARTITION BY toYYYYMM(opened_at) ORDER BY (symbol, opened_at)
;
CREATE TABLE IF NOT EXISTS minute_bars_made_up (
    symbol LowCardinality(String),
    opened_at DateTime('UTC'),
    open_e4 Int64, high_e4 Int64, low_e4 Int64, close_e4 Int64,
    volume Int64, turnover_e4 Int64,
    version UInt64
) ENGINE = ReplacingMergeTree(version) PARTITION BY toYYYYMM(opened_at) ORDER BY (symbol, opened_at)
;
