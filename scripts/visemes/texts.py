"""What the voices read: texts of our own, for training, for tuning, and for the final figures.

The three sets share no sentence and no run of four words; `check` refuses anything else. TUNING is
there to be looked at while settings are chosen; TEST is scored and never tuned on.
"""

import random
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

TRAINING: Final[tuple[str, ...]] = (
    "The old fisherman carried his basket of herring past the lighthouse.",
    "We planted seven rows of beans behind the wooden shed last spring.",
    "My grandmother bakes a plum pie whenever the whole family comes home.",
    "Every passenger must show a valid ticket before boarding the ferry.",
    "That bright yellow umbrella belongs to the lady in the corner shop.",
    "Pump the brakes gently when the road is covered with wet leaves.",
    "Fifty people waved their flags from the bank of the river.",
    "Chop the ginger, crush the garlic, and stir both into the hot oil.",
    "The judge and the jury argued about the missing jewels for a year.",
    "She wore a velvet glove over her left hand the whole evening.",
    "If the pump fails again, press the red button above the valve.",
    "Both brothers thought the third path through the woods was shorter.",
    "A vague memory of the voyage came back to me in the bathtub.",
    "Do you usually measure the length of the garage before buying a car?",
    "Thirty thieves threw their weathered leather boots into the bath.",
    "I would rather walk to work than wait an hour for the bus.",
    "The wooden wheel wobbled while the wagon went downhill.",
    "Nobody knows why the phone rang at two in the morning.",
    "Ask the nurse for a pillow and some more warm blankets.",
    "The computer needs a new battery, a bigger screen and more memory.",
    "Hush, the baby is asleep, and the puppy is finally quiet too.",
    "Could you push the bookshelf a little closer to the window?",
    "He put the sugar, the cookies and the good cups on the tray.",
    "Good food should be simple, fresh and full of flavour.",
    "The blue pool looked cool, but few of us knew how deep it was.",
    "Join us at noon for soup, noodles and a spoonful of honey.",
    "Boys and girls enjoy noisy toys, and so do their uncles.",
    "The coin rolled under the oily boiler and disappeared.",
    "Now count the brown cows around the house out loud.",
    "How far is it from the town hall down to the south gate?",
    "Fire engines drive by the library at night with their lights on.",
    "The pilot tried to land five miles outside of the island.",
    "Take the train on track eight and stay awake until the station.",
    "Eight grey snakes lay in the shade of the great oak tree.",
    "Only a few of those old stones were thrown over the frozen road.",
    "Joe told Rose a joke about a goat that stole a coat.",
    "The early bird certainly heard the nervous worm turning in the dirt.",
    "Her first words were heard on the third of September.",
    "Park the car in the yard, far from the large barn.",
    "The doctor washed a small bottle and poured the water on the floor.",
    "Father bought a lot of hot coffee at the store on the corner.",
    "A dozen ducks ran under the truck as the sun came up.",
    "Nothing comes from luck alone, but a bit of it must not hurt.",
    "The cat sat back and gazed at the black bag on the mat.",
    "Pass me that jam sandwich and a glass of apple juice.",
    "The men sent ten letters to every member of the team.",
    "Ben fell on the bench and bent his best pen.",
    "Six little kittens lived in this big tin bin.",
    "Please keep these three cheap green seats clean and neat.",
    "Each leaf seems to reach for the heat of the evening breeze.",
    "Visit the museum of modern music in the middle of the village.",
    "Measure twice, cut once, and use a sharper blade for thin metal.",
    "My vision of the future includes leisure, pleasure and treasure.",
    "The beige carpet in the garage came from a closed hotel.",
    "Chewing gum is not permitted in the church or the chapel.",
    "Which witch watched which watch, asked the cheeky child.",
    "The champion snatched the bunch of cherries from the kitchen.",
    "Six thick thistle sticks were stuck in the basket of the cyclist.",
    "The strength of the twelfth month surprised the sleepy farmers.",
    "Sphinxes and lynxes are asked to relax next to the exits.",
    "Help yourself to milk, half a melon, and some almond cake.",
    "The film was so dull that twelve of us fell asleep.",
    "Pull the bell rope, and the whole hall will fill with sound.",
    "Yes, you may use your yellow yacht until the year is over.",
    "Young musicians usually play beautiful music for a few minutes.",
    "We asked the singer to bring a long string and a strong ring.",
    "Thinking and drinking, the king was sinking on the bank.",
    "A maple tree may make a simple home for a mouse.",
    "Mobile phones beep, buzz and bother people on public buses.",
    "The plumber promised to replace the broken pipe by Wednesday.",
    "Maybe my mum might make more marmalade on Monday.",
    "Pepper, paprika and parsley make a plain soup pop.",
    "Bob rubbed a big bulb and a bug jumped out of the tube.",
    "The bomb squad combed the tomb from top to bottom.",
    "Five brave wolves gave themselves over to a life of leaves.",
    "Offer half of the coffee to the staff on the fifth floor.",
    "Even seven vans of vinegar were never enough for Victor.",
    "The vote of the village favours a very wavy version.",
    "Bathe the baby with a smooth cloth, not with leather.",
    "There are those who breathe through their mouths.",
    "Is your order number one zero seven or one seven zero?",
    "Your appointment is on the ninth at a quarter to four.",
    "I am sorry to hear that, let me see what I can do.",
    "Thanks for waiting, I have found your account now.",
    "Would that be all, or may I help with anything else?",
    "You can change the password on the second page of the settings.",
    "Sure, I can explain how the whole thing works in plain words.",
    "That is a great question, and the answer may surprise you.",
    "First open the box, then remove the foam, and lift the lamp out.",
    "Well, it depends on how much time you want to spend.",
    "The parcel left our building this morning and arrives tomorrow.",
    "Hi there, it is lovely to see you again after all this time.",
    "Okay, what should we talk about next?",
    "Uh huh, I see, so you moved to a bigger flat in June.",
    "Exactly, and that is why the price went up by nine percent.",
    "No problem at all, just tell me when you are ready to go on.",
    "He hid his heavy hat behind the hedge, and hoped for help.",
    "Who could refuse a humble hug on such a huge holiday?",
    "Rory rarely ran around the rural arena in the rain.",
    "A royal parrot repeated three rude remarks about the carrots.",
    "Lily followed the yellow line along the narrow alley.",
    "An orange pigeon and a strange ostrich shared a large cage.",
    "The lawyer drew four straight lines under the word because.",
    "Tall towers tend to tilt a tiny bit to the left.",
    "Better get a little bottle of water before the meeting.",
    "The ladder was loaded on a muddy Saturday in a hurry.",
    "Don't add butter to the batter, it is bitter already.",
    "Quick, quiet, quarrelsome quails require quite a lot of quinoa.",
    "Look at the cook, he took a book and put it in the brook.",
    "Uncle Hugh usually accuses the computer of being confused.",
)  # fmt: skip

FOREIGN: Final[dict[str, tuple[str, ...]]] = {
    "de": (
        "Guten Morgen, ich möchte bitte ein Brötchen mit Käse und einen Kaffee.",
        "Über sieben Brücken musst du gehen, sagte der müde Wanderer.",
        "Fünf frische Fische schwimmen im tiefen Wasser vor der Hütte.",
        "Wir haben schöne Bücher, bunte Bilder und einen großen Tisch.",
        "Der Zug nach München fährt heute pünktlich um zwölf Uhr ab.",
        "Meine Mutter mag Pflaumen, Äpfel und süße Pfirsiche.",
    ),
    "fr-fr": (
        "Bonjour, je voudrais un peu de pain et deux bouteilles d'eau.",
        "Une bonne vieille maison blanche au bord de la rivière.",
        "Mon oncle vend des parfums, des gants et un grand parapluie.",
        "Il pleut souvent en automne, mais la lune brille ce soir.",
        "Je peux vous aider à choisir un beau bouquet de fleurs bleues.",
        "Le feu brûle doucement pendant que nous buvons du vin.",
    ),
    "es": (
        "Buenos días, quiero una botella de agua y un poco de pan.",
        "El perro corre por el parque y la niña ríe en el jardín.",
        "Mi abuela prepara una sopa muy buena con pimientos verdes.",
        "Vamos a viajar juntos a la playa el próximo jueves.",
        "El joven vecino fabrica muebles baratos de madera vieja.",
    ),
    "it": (
        "Buongiorno, vorrei un cappuccino e due brioche alla crema.",
        "La famiglia abita in una bella casa vicino al mare.",
        "Gli amici hanno mangiato gnocchi, pizza e gelato al pistacchio.",
        "Domani pomeriggio parto per Napoli con il primo treno.",
    ),
    "pl": (
        "Dzień dobry, poproszę chleb, masło i pięć świeżych jabłek.",
        "W szczęśliwym domu zawsze pachnie kawą i ciastem.",
        "Moja babcia mówi powoli, bo lubi opowiadać bajki.",
    ),
    "ru": (
        "Доброе утро, дайте, пожалуйста, чай и булочку с маслом.",
        "Мой брат живёт в большом городе и любит зимнюю погоду.",
        "Пять рыжих лисиц бежали по широкому полю к реке.",
    ),
    "hi": (
        "नमस्ते, मुझे एक कप चाय और थोड़ा पानी चाहिए।",
        "मेरी माँ बाज़ार से फल और सब्ज़ी लाती है।",
    ),
    "pt-br": (
        "Bom dia, eu gostaria de um pão com manteiga e um café.",
        "Minha irmã mora perto da praia e adora música brasileira.",
    ),
}

TUNING: Final[tuple[str, ...]] = (
    "My name is Emma, and I am going to be your guide for today.",
    "Fresh pepper makes the simple beef soup much better.",
    "Could we move the appointment to Friday, say around eleven?",
    "The vegetable market opens before breakfast and closes at five.",
    "You should probably restart the router and wait a couple of minutes.",
    "Those purple mushrooms grow beneath the big bridge every autumn.",
    "It was a cold bright morning, and the streets were almost empty.",
    "Which of these jackets would you wear to a job interview?",
    "The museum of natural history has a brand new planetarium.",
    "I believe the problem was caused by a broken cable.",
    "Nine mothers brought warm bread and cheese to the village school.",
    "Thank you very much, that was extremely helpful of you.",
)

TEST: Final[tuple[str, ...]] = (
    "Hello, this is Bob speaking, how can I be of service?",
    "A brown bear and a whale both prefer cool water in summer.",
    "Would you like to book a table for two at half past seven?",
    "They moved our meeting from Monday morning to Thursday afternoon.",
    "Charles and Gemma enjoyed the journey through a beautiful valley.",
    "The battery of my laptop died just before the important phone call.",
    "Please bring a map, a lamp, and plenty of drinking water.",
    "Several famous painters lived above this bakery.",
    "What kind of weather do you expect for the weekend?",
    "She put the vase of fresh flowers beside the open window.",
    "Number five is empty, but room twelve still has a problem.",
    "The chef usually adds a pinch of ginger and some thyme.",
    "My favourite show begins after the evening news.",
    "Perhaps the tourists missed the last boat to the island.",
    "I think that we both know who should apologize first.",
    "Blue paper, yellow ribbon and a big bow make a lovely gift.",
)

_WORD: Final = re.compile(r"[^\W\d_]+(?:'\w+)?")


def check() -> None:
    """Raises ValueError when two of the sets share a run of four words."""
    sets = {
        "training": chain(TRAINING, *FOREIGN.values()),
        "tuning": iter(TUNING),
        "test": iter(TEST),
    }
    runs = {name: set(_runs(texts)) for name, texts in sets.items()}
    for one, other in (("training", "tuning"), ("training", "test"), ("tuning", "test")):
        if common := runs[one] & runs[other]:
            raise ValueError(f"{one} and {other} texts share {' '.join(min(common))!r}")


def shuffled(seed: int) -> Iterator[str]:
    """Endless sentences of training words in new company: every sound beside every other.

    A sentence that happens to hold four words of another set in a row is left out.
    """
    rng = random.Random(seed)
    words = sorted({word for text in TRAINING for word in _words(text)})
    kept_apart = set(_runs(chain(TUNING, TEST)))
    while True:
        text = " ".join(rng.choice(words) for _ in range(9)) + "."
        if kept_apart.isdisjoint(_runs([text])):
            yield text


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _runs(texts: Iterable[str]) -> Iterator[tuple[str, ...]]:
    for text in texts:
        words = _words(text)
        yield from (tuple(words[at : at + 4]) for at in range(len(words) - 3))
