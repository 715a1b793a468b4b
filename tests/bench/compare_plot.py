"""The ratios that `compare` measured as a picture: a group of bars for each load, a bar for each
server, a thin line from its least to its greatest round."""

from html import escape

BAR, GAP, HEAD, LABEL, WIDTH, MARGIN = 16, 4, 34, 110, 560, 24
COLOURS = {"weft": "#c2410c"}
OTHERS = "#94a3b8"


def text(x, y, what, anchor="start", size=12, weight="normal", fill="#1e293b"):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'font-weight="{weight}" fill="{fill}">{escape(what)}</text>'
    )


def bar(y, name, ratio, scale):
    middle, low, high = ratio
    centre = y + BAR / 2
    return [
        text(MARGIN + LABEL - 8, centre + 4, name, "end"),
        f'<rect x="{MARGIN + LABEL}" y="{y}" width="{middle * scale:.1f}" height="{BAR}" '
        f'fill="{COLOURS.get(name, OTHERS)}"/>',
        f'<path d="M{MARGIN + LABEL + low * scale:.1f} {centre}H'
        f'{MARGIN + LABEL + high * scale:.1f}" stroke="#1e293b"/>',
        text(MARGIN + LABEL + WIDTH + 8, centre + 4, f"{middle:.2f}"),
    ]


def draw(title, loads, ratios):
    """`loads`: names; `ratios[load][server]`: (median, least, greatest) to the bare loop."""
    most = max(high for each in ratios.values() for _, _, high in each.values())
    scale = WIDTH / max(most, 1.0)
    parts, y = [text(MARGIN, MARGIN + 10, title, size=15, weight="bold")], MARGIN + 24
    for load in loads:
        y += HEAD
        parts.append(text(MARGIN, y - 10, load, weight="bold"))
        top = y
        for name, ratio in ratios[load].items():
            parts += bar(y, name, ratio, scale)
            y += BAR + GAP
        one = MARGIN + LABEL + scale
        parts.append(f'<path d="M{one:.1f} {top - 2}V{y}" stroke="#1e293b" stroke-dasharray="3 3"/>')
    width, height = 2 * MARGIN + LABEL + WIDTH + 44, y + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif">'
        f'<rect width="100%" height="100%" fill="white"/>' + "\n".join(parts) + "</svg>\n"
    )
