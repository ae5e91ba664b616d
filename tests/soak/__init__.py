"""Any order of events that the delivery may meet, drawn at random and held against AWS after each one.

`aws` stands in for the network, `clocks` for time, `processes` for the processes; everything else is the site's own code.
"""
