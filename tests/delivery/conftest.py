from tests.delivery.steps import time

__all__ = ["time"]
