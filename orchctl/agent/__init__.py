"""The robot agent: makes a machine a robot of an orchestrator, by the algorithm of seed 001."""
