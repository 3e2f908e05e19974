"""A world for tests of the operations: the inventory of a stack of topology aws-gcp."""

from twinsite.inventory import Inventory, Site

INVENTORY = Inventory(
    topology="aws-gcp",
    dr_mode="pilot-light",
    sites=(Site("aws", ("aws",), "ap-northeast-2"), Site("gcp", ("gcp",), "asia-northeast3")),
    home="aws",
    away="gcp",
    active_site="aws",
    digest="digest-1",
)
