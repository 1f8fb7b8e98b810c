"""What providers of market data say, read into ticks: pure, one module a provider.

A reader takes the text of an answer or a message and the instruments that were asked for, and returns ticks in shares
and 1/10,000 of the trading currency, with what it could not read counted by reason. `at_ms` of its ticks is the venue's
own time; when something came is not known here. What a provider does not tell is 0 and stands for nothing: a total
with a volume and without a turnover has a turnover that nobody knows. How it is asked stands in
`streaming.ingest.sources.live`.
"""
