"""The vocabulary of captions: many ways to name each thing in a scene. Data only.

The first entry of every list is the plain name. Evaluation prompts use words from these lists in sentences
that were never trained on.
"""

STYLE_WORDS: dict[str, tuple[str, ...]] = {
    "photograph": (
        "photograph", "photo", "hyperreal photography", "photography", "a realistic photo", "photorealistic",
        "realistic photograph", "film photo", "hdr photo", "color photograph",
    ),
    "charcoal": (
        "charcoal drawing", "charcoal", "charcoal sketch", "pencil drawing", "graphite drawing",
        "black and white drawing",
        "grey pencil sketch", "drawn in charcoal", "monochrome charcoal",
    ),
    "line": (
        "line drawing", "line art", "ink drawing", "black ink line drawing", "coloring book page",
        "outline drawing",
        "pen and ink", "clean lines on white paper", "etching", "comic line art",
    ),
    "watercolor": (
        "watercolor", "watercolour", "watercolor painting", "aquarelle", "watercolour on paper",
        "a soft watercolor wash",
        "pastel watercolor",
    ),
    "oil": (
        "oil painting", "oil on canvas", "painted in oil", "an old oil painting",
        "impressionist oil painting",
        "impasto", "painting with brush strokes", "classical painting",
    ),
    "cyberpunk": (
        "cyberpunk", "neon", "cyberpunk art", "neon lights", "synthwave", "cyberpunk style, neon glow",
        "futuristic neon",
        "vaporwave", "glowing neon",
    ),
}  # fmt: skip
PRAISE = (
    "hyperfine", "no text", "hdr", "4k", "8k", "highly detailed", "detailed", "masterpiece", "beautiful",
    "sharp",
    "high quality", "award winning", "trending", "fine art", "best quality", "intricate", "epic",
    "cinematic", "art",
)  # fmt: skip
"""What people write into a style text that changes nothing here."""

TIME_WORDS: dict[str, tuple[str, ...]] = {
    "dawn": (
        "at dawn", "in the early morning", "at daybreak", "in the morning", "at sunrise", "at first light",
        "in the pale dawn",
    ),
    "day": ("by day", "at noon", "in daylight", "on a bright day", "in the daytime", "under the blue sky",
    "on a clear day"),
    "sunset": ("at sunset", "at dusk", "in the evening", "under a red sky", "in the golden evening",
    "at twilight", "at sundown"),
    "night": ("at night", "by night", "in the dark night", "at midnight", "in the night", "after dark"),
    "storm": ("in the storm", "in a storm", "in bad weather", "under a grey sky", "in the tempest",
    "under dark clouds"),
}  # fmt: skip

PLACE_WORDS: dict[str, tuple[str, ...]] = {
    "sea": (
        "in the sea", "on the sea", "on the water", "in the ocean", "among the waves", "on the waves",
        "in the calm sea",
        "over the blue water", "above the deep", "upon the face of the waters", "by the sea",
    ),
    "beach": ("on the beach", "on the shore", "by the shore", "on the sand by the sea", "at the coast",
    "on the sandy beach"),
    "meadow": (
        "in the meadow", "in a green field", "on the green meadow", "on the grass", "in the green grass",
        "in a green land",
        "in the field", "in the pasture",
    ),
    "desert": ("in the desert", "on the sand", "in the dry land", "on the dry land", "in the wilderness",
    "among the dunes"),
    "mountains": ("in the mountains", "under the high mountains", "before the mountains", "on the mountain",
    "on the high mountains", "from the high mountains",
    "among the peaks"),
    "forest": ("in the forest", "in the wood", "in a dark forest", "among the trees",
    "at the edge of the forest", "in the woods"),
    "snow": ("in the snow", "on the snow", "in a snowy field", "in winter", "in the white snow",
    "in the cold snow"),
    "town": ("in the town", "in a town of many houses", "in the village", "before the houses",
    "in the old town", "in the street"),
    "city": ("in the city", "among high towers", "in a big city", "among the skyscrapers",
    "in the streets of the city"),
    "river": ("by the river", "at the river", "on the bank of a river", "by a stream", "beside the river"),
    "ice": ("on the frozen sea", "on the ice", "over the frozen sea", "in the frozen sea",
    "on the frozen water"),
    "room": ("in a room", "in the small room", "in the house", "inside", "in a chamber", "indoors",
    "by the window of a room", "by the window"),
    "space": ("in space", "among the stars", "in outer space", "in the void between the stars",
    "in the cosmos"),
    "darkness": ("in the darkness", "in the dark", "in the void", "in the deep darkness",
    "without form and void"),
    "light": ("in the light", "in a burst of light", "in great light", "in the bright light", "in glory"),
}  # fmt: skip
PLACE_NAMES: dict[str, tuple[str, ...]] = {
    "sea": ("the sea", "the calm sea", "the blue sea", "the ocean", "the water", "the waters", "waves",
    "the deep"),
    "beach": ("the beach", "the shore", "a sandy beach", "the coast", "the land and the sea"),
    "meadow": ("a meadow", "a green field", "the green meadow", "grass", "the grass of the earth",
    "green herbs"),
    "desert": ("the desert", "the dry land", "sand", "the wilderness", "dunes", "the earth"),
    "mountains": ("mountains", "the high mountains", "the white mountains", "a mountain", "mountain peaks"),
    "forest": ("a forest", "a dark forest", "the wood", "many trees", "fir trees"),
    "snow": ("snow", "a snowy field", "the white snow", "winter land", "a field under snow"),
    "town": ("a town", "a town of many houses", "the village", "the houses of the town", "a quiet town",
    "roofs of a town", "the windows of the town"),
    "city": ("a city", "the big city", "skyscrapers", "high towers of a city", "the skyline of a city"),
    "river": ("a river", "the river in green land", "a stream", "a winding river", "the river"),
    "ice": ("the frozen sea", "ice", "the frozen water", "a sea of ice"),
    "room": ("a room", "a small room", "a room with a window", "the chamber"),
    "space": ("space", "the stars", "outer space", "the heavens", "the universe"),
    "darkness": ("darkness", "the dark", "nothing", "the void", "darkness upon the deep",
    "the night without light"),
    "light": ("light", "a burst of light", "great light", "let there be light", "the glory of light",
    "a shining light"),
}  # fmt: skip

NAMES: dict[str, tuple[str, ...]] = {
    "house": ("house", "cottage", "home", "farmhouse", "keeper's house", "small house"),
    "lighthouse": ("lighthouse", "lighthouse", "beacon", "lighthouse tower"),
    "tower": ("tower", "stone tower", "old tower", "watchtower"),
    "castle": ("castle", "fortress", "old castle", "palace"),
    "temple": ("temple", "old temple", "temple with tall columns", "temple with columns", "shrine"),
    "windmill": ("windmill", "mill"),
    "sailboat": ("sailing boat", "boat", "sailboat", "small sailing boat", "boat with sails"),
    "fishing boat": ("fishing boat", "boat", "trawler", "fisherman's boat"),
    "ship": ("ship", "great ship", "tall ship", "sailing ship", "galleon"),
    "tree": ("tree", "round tree", "green tree", "oak", "old tree"),
    "fruit tree": ("fruit tree", "apple tree", "tree yielding fruit", "tree with red fruit"),
    "pine": ("pine", "fir", "fir tree", "pine tree", "spruce"),
    "palm": ("palm", "palm tree"),
    "fire": ("fire", "campfire", "bonfire", "burning fire", "flame"),
    "rock": ("rock", "stone", "boulder", "great stone"),
    "flower": ("flower", "great flower", "blossom"),
    "gate": ("gate", "arch", "great gate", "gateway", "stone arch"),
    "space gate": ("space gate", "star gate", "portal", "shining ring", "ring of light"),
    "spaceship": ("spaceship", "rocket", "space ship", "starship"),
    "planet": ("planet", "world", "globe"),
    "person": ("person", "man", "woman", "keeper", "traveler", "human", "figure"),
    "horse": ("horse", "stallion", "mare"),
    "cow": ("cow", "ox", "cattle", "bull"),
    "sheep": ("sheep", "lamb", "ram"),
    "deer": ("deer", "stag", "hart"),
    "whale": ("whale", "great whale", "great fish"),
    "fish": ("fish", "great fish", "fish of the sea"),
    "bird": ("bird", "great bird", "flying bird", "fowl", "gull"),
    "window": ("window", "great window"),
}  # fmt: skip
PLURALS: dict[str, tuple[str, ...]] = {
    "tree": ("trees", "round trees", "green trees"), "pine": ("pines", "firs", "fir trees"),
    "palm": ("palms", "palm trees"),
    "sheep": ("sheep", "flock of sheep", "lambs"), "cow": ("cows", "cattle", "oxen"), "horse": ("horses",),
    "deer": ("deer", "stags"), "fish": ("fish", "fishes"), "person": ("people", "men", "persons",
    "travelers"),
    "house": ("houses", "cottages"), "sailboat": ("sailing boats", "boats", "sailboats"), "bird": ("birds",
    "fowls"),
}  # fmt: skip

VERBS: dict[str, tuple[str, ...]] = {
    "house": ("stands", "is seen"), "lighthouse": ("stands", "shines", "rises"), "castle": ("stands",
    "looks down", "rises"),
    "sailboat": ("sails", "swims", "rests", "leaves", "returns", "is lost"), "fishing boat": ("rests",
    "sails", "comes home", "returns"),
    "ship": ("sails", "comes", "rides"), "fire": ("burns", "glows", "is lit"), "tree": ("grows", "stands"),
    "fruit tree": ("grows", "stands", "bears fruit"), "pine": ("grows", "stands"), "palm": ("grows",
    "stands"),
    "flower": ("grows", "blooms"), "space gate": ("opens", "shines", "glows"), "spaceship": ("flies",
    "comes", "leaves"),
    "planet": ("turns", "hangs", "shines"), "person": ("stands", "walks", "waits", "sits", "looks"),
    "horse": ("walks", "runs", "stands"), "cow": ("grazes", "stands"), "sheep": ("grazes", "stands"),
    "deer": ("comes", "stands", "walks"), "whale": ("swims", "rises", "moves"), "fish": ("swims", "leaps",
    "moves"),
    "bird": ("flies", "soars"), "gate": ("stands", "opens"),
}  # fmt: skip
VOYAGES = ("leaves the shore", "comes to the shore", "returns to the rock", "leaves the harbour", "comes home over",
    "returns")  # fmt: skip
"""What a boat at sea may do; where it comes from or goes to is out of the picture."""
PERCHES = ("on a rock", "on a rock", "on its rock", "on the rocks", "on a great rock", "on a rocky islet")
"""What is under whatever stands in the sea."""
CALM = ("the rain is over", "the storm is over", "the sky is clear", "after the rain", "no wind blows")
"""What may be said under a clear sky: words of weather that isn't there."""

COLOUR_WORDS: dict[str, tuple[str, ...]] = {
    "white": ("white",), "red": ("red",), "yellow": ("yellow",), "blue": ("blue",), "green": ("green",),
    "brown": ("brown",),
    "grey": ("grey", "gray"), "golden": ("golden", "yellow", "gold"), "black": ("black",),
}  # fmt: skip

SKY_CLAUSES: dict[str, tuple[str, ...]] = {
    "sun": ("the sun shines", "the sun rises over {place}", "under the sun", "the sun is high", "the sun",
    "with the sun in the sky", "in the sun", "the sun comes up"),
    "moon": ("the moon rises", "under the moon", "the moon shines", "the moon", "the moon over {place}",
    "in the moonlight"),
    "stars": ("stars shine", "under the stars", "stars", "stars above", "the stars are in the sky",
    "a starry sky"),
    "clouds": ("clouds", "under clouds", "white clouds", "clouds gather", "clouds over {place}",
    "a cloudy sky"),
    "rain": ("rain falls", "in the rain", "rain", "it rains", "rain falls on {place}", "heavy rain"),
    "snowfall": ("snow falls", "falling snow", "snowflakes", "it snows"),
    "rainbow": ("a rainbow", "a rainbow stands over {place}", "under a rainbow", "a rainbow in the sky"),
    "lightning": ("lightning strikes", "lightning", "lightning above {place}", "a flash of lightning",
    "thunder and lightning"),
    "birds": ("birds fly", "birds in the sky", "birds", "white birds fly over {place}", "a flock of birds"),
}  # fmt: skip
SKY_SENTENCES: dict[str, tuple[str, ...]] = {
    "sun": ("The sun rises over {thing}", "The sun shines on {thing}", "The sun stands over {thing}",
    "The sun comes up over {thing}"),
    "moon": ("The moon rises over {thing}", "The moon shines on {thing}", "{Thing} under the moon"),
    "stars": ("Stars shine above {thing}", "The stars stand over {thing}", "{Thing} under the stars"),
    "clouds": ("Clouds gather over {thing}", "{Thing} under the clouds", "Clouds move over {thing}"),
    "rain": ("Rain falls on {thing}", "{Thing} in the rain", "The rain beats on {thing}"),
    "snowfall": ("Snow falls on {thing}", "{Thing} in the falling snow"),
    "rainbow": ("A rainbow stands over {thing}", "{Thing} under a rainbow"),
    "lightning": ("Lightning strikes above {thing}", "{Thing} under lightning"),
    "birds": ("Birds fly over {thing}", "White birds fly over {thing}", "{Thing} and birds in the sky",
    "Birds fly behind {thing}"),
}  # fmt: skip
GROUND_SENTENCES: dict[str, tuple[str, ...]] = {
    "snow": ("Snow covers {thing}", "Snow covers the meadow and {thing}", "Snow lies around {thing}"),
    "river": ("A river runs past {thing}", "A stream runs by {thing}"),
    "sea": ("The sea lies around {thing}", "The waves rise around {thing}"),
}
BACKDROP_OPENINGS: dict[str, tuple[str, ...]] = {
    "hills": ("hills stand", "green hills rise"),
    "mountains": ("far mountains rise", "the mountains stand"),
    "forest": ("a forest stands", "a dark forest stands"),
    "town": ("a town stands", "the houses of a town stand"),
}
"""A picture without a subject may be told by what closes its view."""
BACKDROP_CLAUSES: dict[str, tuple[str, ...]] = {
    "hills": ("hills behind", "before the hills", "with green hills", "hills"),
    "mountains": ("mountains behind", "before far mountains", "with mountains in the distance",
    "far mountains"),
    "forest": ("a forest behind", "before the forest", "with a row of trees", "a forest in the distance"),
    "town": ("houses behind", "before the houses of a village", "with a village in the distance",
    "a town behind", "past the houses", "before a town of many houses", "by a town"),
}  # fmt: skip
FEATURES: dict[str, tuple[str, ...]] = {
    "house": ("with a red roof", "has a red roof", "with a chimney and a door"),
    "castle": ("with two towers", "with walls and towers"),
    "temple": ("with tall columns", "with white columns"),
    "tower": ("of stone", "with battlements"),
    "lighthouse": ("with red stripes", "with a lamp"),
    "sailboat": ("with two sails", "with its sails up"),
    "ship": ("with three masts", "with many sails"),
    "windmill": ("with four sails",),
    "fire": ("with tall flames", "and its flames"),
    "deer": ("with antlers",),
    "cow": ("with horns",),
    "whale": ("and its spout",),
    "spaceship": ("with a burning tail",),
    "fruit tree": ("full of red fruit", "yielding fruit after its kind"),
}
"""What one may say of a subject's looks; true of every one of them."""
FLOWER_CLAUSES = ("with flowers", "among flowers", "flowers", "and many flowers", "full of flowers")
COMPANY = (
    "beside {other}",
    "near {other}",
    "with {other}",
    "and {other}",
    "past {other}",
    "and {other} beside it",
    "and {other} stands beside it",
    "by {other}",
)
FILLERS = (
    "once more", "and all is quiet", "as in the old days", "and nobody speaks", "slowly", "there",
    "far away", "again",
    "and it was so", "and it was good", "behold", "then", "now", "for a long time", "in silence",
    "little by little",
    "and God saw it", "in the beginning", "the keeper said", "after the long journey", "to guide them home",
    "to guide the boat home",
)  # fmt: skip
