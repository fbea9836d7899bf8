"""Draws the curve that `bench.py --curve` measured, as SVG on standard output.

    plot.py results.json > curve.svg
"""

import json
import math
import sys

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 400, 70, 50, 40, 20
SERIES = [
    ("load", "load_seconds", "#4477aa"),
    ("evaluate", "evaluate_seconds", "#ccbb44"),
    ("evaluate, encode, hash, write", "outcomes_seconds", "#ee6677"),
    ("other eleven tables", "other_tables_seconds", "#228833"),
    ("writing as many bytes, nothing else", "raw_write_seconds", "#888888"),
]


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        points = json.load(file)["curve"]
    rows = [point["rows"] for point in points]
    values = [point[key] for point in points for _, key, _ in SERIES]
    low_x, high_x = math.floor(math.log10(min(rows))), math.ceil(math.log10(max(rows)))
    low_y, high_y = math.floor(math.log10(max(min(values), 0.01))), math.ceil(math.log10(max(values)))

    def x(count: float) -> float:
        return LEFT + (math.log10(count) - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT)

    def y(seconds: float) -> float:
        return HEIGHT - BOTTOM - (math.log10(max(seconds, 0.01)) - low_y) / (high_y - low_y) * (HEIGHT - BOTTOM - TOP)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{WIDTH / 2}" y="20" text-anchor="middle">Seconds by rows of policy-outcomes</text>',
    ]
    for power in range(low_x, high_x + 1):
        at = x(10**power)
        out.append(f'<line x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        out.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{10**power:,}</text>')
    for power in range(low_y, high_y + 1):
        at = y(10.0**power)
        out.append(f'<line x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" y2="{at:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:g} s</text>')
    for number, (name, key, colour) in enumerate(SERIES):
        path = " ".join(f"{x(point['rows']):.1f},{y(point[key]):.1f}" for point in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for point in points:
            out.append(f'<circle cx="{x(point["rows"]):.1f}" cy="{y(point[key]):.1f}" r="3" fill="{colour}"/>')
        out.append(f'<text x="{LEFT + 12}" y="{TOP + 16 + 16 * number}" fill="{colour}">{name}</text>')
    out.append("</svg>")
    print("\n".join(out))


if __name__ == "__main__":
    main()
