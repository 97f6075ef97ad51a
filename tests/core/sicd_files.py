"""Small SICD and SIDD XML whose geometry is known: a straight orbit over a place, looking left or right."""

from __future__ import annotations

import numpy as np
from sarkit import wgs84

SIZE = (600, 400)
SPACING_M = (0.8, 0.5)
"""Along rows (range), along columns (azimuth)."""

SICD = "urn:SICD:1.3.0"
SIDD = "urn:SIDD:3.0.0"


def _orbit(lon: float, lat: float, height: float, look: str, course_deg: float, squint_s: float = 0.0):
    """Scene centre, sensor position and velocity at mid-aperture, all earth-centred."""
    scp = wgs84.geodetic_to_cartesian([lat, lon, height])
    east, north, up = wgs84.east([lat, lon]), wgs84.north([lat, lon]), wgs84.up([lat, lon])
    course = np.deg2rad(course_deg)
    along = np.cos(course) * north + np.sin(course) * east
    right = np.cross(along, up)
    side = right if look == "L" else -right  # a sensor on the right of the scene looks to the left
    velocity = 7500.0 * along
    return scp, scp + 500_000.0 * up + 400_000.0 * side + squint_s * velocity, velocity


def _xyz(name: str, vector) -> str:
    return f"<{name}><X>{vector[0]!r}</X><Y>{vector[1]!r}</Y><Z>{vector[2]!r}</Z></{name}>".replace(
        "np.float64(", ""
    ).replace(")", "")


def _poly(values) -> str:
    return "".join(f'<Coef exponent1="{k}">{float(v)!r}</Coef>' for k, v in enumerate(values))


def _poly2(table) -> str:
    table = np.atleast_2d(table)
    inner = "".join(f'<Coef exponent1="{i}" exponent2="{j}">{float(v)!r}</Coef>' for (i, j), v in np.ndenumerate(table))
    return f'order1="{table.shape[0] - 1}" order2="{table.shape[1] - 1}">{inner}'


def _way(position, velocity, time: float) -> str:
    parts = "".join(
        f'<{axis} order1="1">{_poly((position[k] - time * velocity[k], velocity[k]))}</{axis}>'
        for k, axis in enumerate("XYZ")
    )
    return f"<ARPPoly>{parts}</ARPPoly>"


def sicd_xml(
    lon: float = 11.0,
    lat: float = 47.0,
    *,
    height: float = 350.0,
    look: str = "R",
    course: float = 350.0,
    grid: str = "PLANE",
    first: tuple[int, int] = (0, 0),
    error: bool = True,
) -> bytes:
    """A SICD on its slant plane; `grid` "PLANE" or "RGZERO"; `first` is (row, col) of a chip."""
    scp, arp, velocity = _orbit(lon, lat, height, look, course, 0.0 if grid == "RGZERO" else 1.5)
    time = 4.0
    line = scp - arp
    row = line / np.linalg.norm(line)
    across = np.cross(row, velocity)
    col = np.cross(across / np.linalg.norm(across), row)
    distance = float(np.linalg.norm(line))
    ground = wgs84.up([lat, lon])
    graze = float(np.rad2deg(np.arcsin(-(row @ ground))))
    cols, rows = SIZE
    time_poly = [[time, 1e-4], [2e-6, 0.0]] if grid == "PLANE" else [[time, 1.0 / 7500.0]]
    formation = (
        "<ImageFormation><ImageFormAlgo>OTHER</ImageFormAlgo></ImageFormation>"
        if grid == "PLANE"
        else "<ImageFormation><ImageFormAlgo>RMA</ImageFormAlgo></ImageFormation>"
    )
    rma = (
        ""
        if grid == "PLANE"
        else "<RMA><RMAlgoType>OMEGA_K</RMAlgoType><ImageType>INCA</ImageType><INCA>"
        f'<TimeCAPoly order1="1">{_poly((time, 1 / 7500.0))}</TimeCAPoly>'
        f"<R_CA_SCP>{distance!r}</R_CA_SCP><FreqZero>9.6e9</FreqZero>"
        f"<DRateSFPoly {_poly2([[1.0]])}</DRateSFPoly></INCA></RMA>"
    )
    stated = "<ErrorStatistics><CompositeSCP><Rg>1.5</Rg><Az>2.0</Az><RgAz>0.0</RgAz></CompositeSCP></ErrorStatistics>"
    return (
        f'<SICD xmlns="{SICD}"><CollectionInfo><CollectType>MONOSTATIC</CollectType></CollectionInfo>'
        f"<ImageData><PixelType>RE32F_IM32F</PixelType><NumRows>{rows}</NumRows><NumCols>{cols}</NumCols><FirstRow>{first[0]}</FirstRow>"
        f"<FirstCol>{first[1]}</FirstCol>"
        f"<FullImage><NumRows>{rows}</NumRows><NumCols>{cols}</NumCols></FullImage><SCPPixel><Row>190</Row><Col>310</Col></SCPPixel></ImageData>"
        f"<GeoData><EarthModel>WGS_84</EarthModel><SCP>{_xyz('ECF', scp)}<LLH><Lat>{lat!r}</Lat><Lon>{lon!r}</Lon>"
        f"<HAE>{height!r}</HAE></LLH></SCP></GeoData>"
        f"<Grid><ImagePlane>SLANT</ImagePlane><Type>{grid}</Type><TimeCOAPoly {_poly2(time_poly)}</TimeCOAPoly>"
        f"<Row>{_xyz('UVectECF', row)}<SS>{SPACING_M[0]}</SS></Row>"
        f"<Col>{_xyz('UVectECF', col)}<SS>{SPACING_M[1]}</SS></Col></Grid>"
        f"<Position>{_way(arp, velocity, time)}</Position>"
        f"<SCPCOA><SCPTime>{time}</SCPTime>{_xyz('ARPPos', arp)}{_xyz('ARPVel', velocity)}"
        f"<SideOfTrack>{look}</SideOfTrack><GrazeAng>{graze}</GrazeAng></SCPCOA>"
        f"{formation}{stated if error else ''}{rma}</SICD>"
    ).encode()


def sidd_xml(
    lon: float = 11.0, lat: float = 47.0, *, height: float = 350.0, look: str = "R", course: float = 350.0
) -> bytes:
    """A SIDD on a plane that is level at its reference point, rows to the south-west."""
    origin, arp, velocity = _orbit(lon, lat, height, look, course, 1.5)
    east, north = wgs84.east([lat, lon]), wgs84.north([lat, lon])
    turn = np.deg2rad(30.0)
    col, row = np.cos(turn) * east + np.sin(turn) * north, np.sin(turn) * east - np.cos(turn) * north
    cols, rows = SIZE
    return (
        (
            f'<SIDD xmlns="{SIDD}" xmlns:c="urn:SICommon:1.0"><Measurement><PlaneProjection>'
            f"<ReferencePoint>{_xyz('c:ECEF', origin)}"
            f"<c:Point><c:Row>190</c:Row><c:Col>310</c:Col></c:Point></ReferencePoint>"
            f"<SampleSpacing><c:Row>{SPACING_M[0]}</c:Row><c:Col>{SPACING_M[1]}</c:Col></SampleSpacing>"
            f"<TimeCOAPoly {_poly2([[4.0, 2e-5], [3e-5, 0.0]])}</TimeCOAPoly>"
            f"<ProductPlane>{_xyz('RowUnitVector', row)}{_xyz('ColUnitVector', col)}</ProductPlane></PlaneProjection>"
            f"<PixelFootprint><c:Row>{rows}</c:Row><c:Col>{cols}</c:Col></PixelFootprint>"
            f"{_way(arp, velocity, 4.0)}</Measurement></SIDD>"
        )
        .encode()
        .replace(b"<X>", b"<c:X>")
        .replace(b"</X>", b"</c:X>")
        .replace(b"<Y>", b"<c:Y>")
        .replace(b"</Y>", b"</c:Y>")
        .replace(b"<Z>", b"<c:Z>")
        .replace(b"</Z>", b"</c:Z>")
        .replace(b"<X ", b"<c:X ")
        .replace(b"<Y ", b"<c:Y ")
        .replace(b"<Z ", b"<c:Z ")
        .replace(b"<Coef", b"<c:Coef")
        .replace(b"</Coef", b"</c:Coef")
    )
