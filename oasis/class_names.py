"""The classes of ADE20K and COCO-Stuff by name, and colours for label spaces that come without.

Names are the first of several synonyms where the dataset gives several.
"""

import colorsys
import math

INSTANCES_PER_CLASS = 1000  # Cityscapes numbers the k-th instance of a class `class id * 1000 + k`


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


# 150 classes in the order of `objectInfo150.txt`; label maps hold 1 for the first of them.
# Source: Zhou et al. 2017, "Scene Parsing through ADE20K Dataset"; the SceneParsing benchmark's list.
ADE20K = _listed("""
    wall, building, sky, floor, tree, ceiling, road, bed, window, grass, cabinet, sidewalk, person, earth, door, table,
    mountain, plant, curtain, chair, car, water, painting, sofa, shelf, house, sea, mirror, rug, field, armchair, seat,
    fence, desk, rock, wardrobe, lamp, tub, rail, cushion, base, box, column, signboard, chest of drawers, counter,
    sand, sink, skyscraper, fireplace, refrigerator, grandstand, path, stairs, runway, case, pool table, pillow,
    screen door, stairway, river, bridge, bookcase, blind, coffee table, toilet, flower, book, hill, bench, countertop,
    stove, palm, kitchen island, computer, swivel chair, boat, bar, arcade machine, hovel, bus, towel, light, truck,
    tower, chandelier, awning, street lamp, booth, tv, plane, dirt track, clothes, pole, land, bannister, escalator,
    ottoman, bottle, buffet, poster, stage, van, ship, fountain, conveyer belt, canopy, washer, plaything, pool, stool,
    barrel, basket, falls, tent, bag, minibike, cradle, oven, ball, food, step, tank, trade name, microwave, pot,
    animal, bicycle, lake, dishwasher, screen, blanket, sculpture, hood, sconce, vase, traffic light, tray, trash can,
    fan, pier, crt screen, plate, monitor, bulletin board, shower, radiator, glass, clock, flag
    """)

# The 50 of them without instances; the other 100 are the things of the Places challenge 2017.
ADE20K_STUFF = frozenset(
    _listed("""
    wall, building, sky, floor, tree, ceiling, road, grass, sidewalk, earth, mountain, plant, water, house, sea, rug,
    field, rock, base, sand, skyscraper, grandstand, path, runway, stairway, river, bridge, blind, hill, bar, hovel,
    tower, dirt track, land, escalator, buffet, poster, stage, conveyer belt, canopy, pool, falls, tent, cradle, tank,
    lake, blanket, pier, crt screen, shower
    """)
)

# The 91 things of COCO, 11 of which were never labelled; label maps hold 0 for the first of them.
# Source: Caesar et al. 2018, "COCO-Stuff"; `labels.txt` of github.com/nightrome/cocostuff.
COCO_THINGS = _listed("""
    person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, street sign,
    stop sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, hat, backpack,
    umbrella, shoe, eye glasses, handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat,
    baseball glove, skateboard, surfboard, tennis racket, bottle, plate, wine glass, cup, fork, knife, spoon, bowl,
    banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake, chair, couch, potted plant, bed,
    mirror, dining table, window, desk, toilet, door, tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven,
    toaster, sink, refrigerator, blender, book, clock, vase, scissors, teddy bear, hair drier, toothbrush, hair brush
    """)

# Its 91 kinds of stuff, in alphabetical order behind the things.
COCO_STUFF = _listed("""
    banner, blanket, branch, bridge, building-other, bush, cabinet, cage, cardboard, carpet, ceiling-other,
    ceiling-tile, cloth, clothes, clouds, counter, cupboard, curtain, desk-stuff, dirt, door-stuff, fence, floor-marble,
    floor-other, floor-stone, floor-tile, floor-wood, flower, fog, food-other, fruit, furniture-other, grass, gravel,
    ground-other, hill, house, leaves, light, mat, metal, mirror-stuff, moss, mountain, mud, napkin, net, paper,
    pavement, pillow, plant-other, plastic, platform, playingfield, railing, railroad, river, road, rock, roof, rug,
    salad, sand, sea, shelf, sky-other, skyscraper, snow, solid-other, stairs, stone, straw, structural-other, table,
    tent, textile-other, towel, tree, vegetable, wall-brick, wall-concrete, wall-other, wall-panel, wall-stone,
    wall-tile, wall-wood, water-other, waterdrops, window-blind, window-other, wood
    """)

_GOLDEN_RATIO = (1 + math.sqrt(5)) / 2


def generated_palette(count: int) -> tuple[tuple[int, int, int], ...]:
    """Colours that differ: black, then hues a golden angle apart in three shades.

    Args:
        count: how many, the black one included; at most 256.

    Returns:
        `count` colours, RGB in 0..255, the same ones every time.
    """
    shades = ((0.85, 0.95), (0.55, 0.75), (0.95, 0.6))  # saturation and value
    colors = [(0, 0, 0)]
    for position in range(count - 1):
        saturation, value = shades[position % len(shades)]
        red, green, blue = colorsys.hsv_to_rgb(position / _GOLDEN_RATIO % 1, saturation, value)
        colors.append((round(255 * red), round(255 * green), round(255 * blue)))
    return tuple(colors)
