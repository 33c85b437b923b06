"""From experts to one forecast: aggregations (`boa`, `dma`, `stack`) and their `mix`."""
