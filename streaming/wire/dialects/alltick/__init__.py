"""AllTick's language: numbered commands over sockets, one JSON text in a query over HTTP."""
