-- Bars with codecs measured on a year of minutes, in small granules that are blocks of their own: most reads are a few
-- hundred bars of one symbol, and need not unpack eight granules for one. `source` is who told a bar, `version` its rank
-- and then its time: see streaming/history/versions.py. Every statement may be run again, and by several at once: a copy
-- is the same rows again.
CREATE TABLE IF NOT EXISTS bars_1m {on_cluster} (
    symbol LowCardinality(String),
    opened_at DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    open_e4 Int64 CODEC(GCD, Delta, ZSTD(1)),
    high_e4 Int64 CODEC(GCD, Delta, ZSTD(1)),
    low_e4 Int64 CODEC(GCD, Delta, ZSTD(1)),
    close_e4 Int64 CODEC(GCD, Delta, ZSTD(1)),
    volume Int64 CODEC(GCD, T64, ZSTD(1)),
    turnover_e4 Int64 CODEC(GCD, T64, ZSTD(1)),
    source LowCardinality(String),
    version UInt64 CODEC(DoubleDelta, ZSTD(1))
) ENGINE = {replacing} PARTITION BY toYYYYMM(opened_at) ORDER BY (symbol, opened_at)
SETTINGS index_granularity = 1024, min_compress_block_size = 8192, max_compress_block_size = 8192{deduplication}
;
CREATE TABLE IF NOT EXISTS bars_1m_made_up {on_cluster} (
    symbol LowCardinality(String),
    opened_at DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    open_e4 Int64 CODEC(GCD, Delta, ZSTD(1)),
    high_e4 Int64 CODEC(GCD, Delta, ZSTD(1)),
    low_e4 Int64 CODEC(GCD, Delta, ZSTD(1)),
    close_e4 Int64 CODEC(GCD, Delta, ZSTD(1)),
    volume Int64 CODEC(GCD, T64, ZSTD(1)),
    turnover_e4 Int64 CODEC(GCD, T64, ZSTD(1)),
    source LowCardinality(String),
    version UInt64 CODEC(DoubleDelta, ZSTD(1))
) ENGINE = {replacing} PARTITION BY toYYYYMM(opened_at) ORDER BY (symbol, opened_at)
SETTINGS index_granularity = 1024, min_compress_block_size = 8192, max_compress_block_size = 8192{deduplication}
;
-- A day is a row of its own, from the exchange's totals: auctions and after-hours trading are in it. prev_close_e4 is
-- what the exchange named as reference that day; 0: nobody told.
CREATE TABLE IF NOT EXISTS bars_1d {on_cluster} (
    symbol LowCardinality(String),
    day Date32 CODEC(DoubleDelta, ZSTD(1)),
    open_e4 Int64 CODEC(GCD, Delta, ZSTD(1)),
    high_e4 Int64 CODEC(GCD, Delta, ZSTD(1)),
    low_e4 Int64 CODEC(GCD, Delta, ZSTD(1)),
    close_e4 Int64 CODEC(GCD, Delta, ZSTD(1)),
    volume Int64 CODEC(GCD, T64, ZSTD(1)),
    turnover_e4 Int64 CODEC(GCD, T64, ZSTD(1)),
    prev_close_e4 Int64 CODEC(GCD, Delta, ZSTD(1)),
    source LowCardinality(String),
    version UInt64 CODEC(DoubleDelta, ZSTD(1))
) ENGINE = {replacing} PARTITION BY toYear(day) ORDER BY (symbol, day)
SETTINGS index_granularity = 1024, min_compress_block_size = 8192, max_compress_block_size = 8192{deduplication}
;
-- What changes a share's price without a trade, by its first day: one share becomes ratio_num/ratio_den of them, split_num/
-- split_den without rights that were taken up, and cash_e8 leaves each old one, in 1/100,000,000 of the currency (the price
-- of a right counts negative).
-- reference_e4 is what the exchange named for the morning; 0: by the rule.
CREATE TABLE IF NOT EXISTS corporate_actions {on_cluster} (
    symbol LowCardinality(String),
    ex_date Date32,
    ratio_num Int64,
    ratio_den Int64,
    split_num Int64,
    split_den Int64,
    cash_e8 Int64,
    reference_e4 Int64,
    source LowCardinality(String),
    version UInt64,
    withdrawn UInt8
) ENGINE = {replacing} ORDER BY (symbol, ex_date)
;
INSERT INTO bars_1m
SELECT symbol, opened_at, open_e4, high_e4, low_e4, close_e4, volume, turnover_e4, 'live', version + 300000000000000
FROM minute_bars FINAL
;
INSERT INTO bars_1m_made_up
SELECT symbol, opened_at, open_e4, high_e4, low_e4, close_e4, volume, turnover_e4, 'simulated', version + 300000000000000
FROM minute_bars_made_up FINAL
;
INSERT INTO bars_1d
SELECT symbol, toDate32(opened_at + INTERVAL 8 HOUR) AS day, argMin(open_e4, opened_at), max(high_e4), min(low_e4),
       argMax(close_e4, opened_at), sum(volume), sum(turnover_e4), 0, 'minutes', 0
FROM bars_1m FINAL
GROUP BY symbol, day
;
