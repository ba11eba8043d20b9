"""Names by culture. Common given and family names are put together at random: any likeness to a person is chance."""

from __future__ import annotations

import unicodedata

import attrs

from crmkit.demo.chance import Chance


def _split(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(","))


@attrs.frozen
class Culture:
    """Where a family's names come from, and what is spoken at home.

    Attributes:
        language: The language at home, BCP 47.
        weight: How common the culture is among the practice's households.
        speaks: The share of households that want to be written to in that language.
        women: Given names.
        men: Given names.
        families: Family names.
    """

    language: str
    weight: float
    speaks: float
    women: tuple[str, ...] = attrs.field(converter=_split)
    men: tuple[str, ...] = attrs.field(converter=_split)
    families: tuple[str, ...] = attrs.field(converter=_split)


ENGLISH = Culture(
    "en",
    52,
    1.0,
    "Amelia, Alice, Barbara, Beth, Carol, Charlotte, Chloe, Claire, Daisy, Deborah, Diane, Elizabeth, Ella, Emily, "
    "Evie, Fiona, Grace, Hannah, Hazel, Heather, Helen, Isla, Ivy, Jane, Joan, Judith, Julie, Karen, Kate, Kylie, "
    "Lily, Lucy, Margaret, Matilda, Mia, Nicole, Olive, Olivia, Patricia, Poppy, Robyn, Rose, Ruby, Sarah, Sophie, "
    "Susan, Sylvia, Willow, Zara, Zoë",
    "Adam, Alan, Alexander, Andrew, Angus, Arthur, Ben, Brian, Callum, Charlie, Christopher, Colin, Daniel, David, "
    "Edward, Ethan, Finn, George, Graham, Harry, Henry, Hugh, Ian, Jack, James, Jasper, Kevin, Leo, Liam, Lucas, "
    "Mark, Matthew, Max, Michael, Neil, Noah, Oliver, Oscar, Patrick, Paul, Peter, Robert, Rory, Samuel, Stephen, "
    "Stuart, Theo, Thomas, Toby, William",
    "Abbott, Ashworth, Barlow, Beckett, Birch, Bramley, Brooke, Callaghan, Carver, Chalmers, Coburn, Colby, Crane, "
    "Dawson, Drummond, Eastwell, Ellery, Fairburn, Farrow, Finch, Fletcher, Gallagher, Garland, Hadley, Harcourt, "
    "Hartley, Hollis, Holloway, Ingram, Kingsley, Lockhart, Lowry, MacAllister, Marlowe, McKendry, Merton, Norwood, "
    "O'Brien, O'Dowd, Parrish, Pemberton, Quigley, Redfern, Rowley, Sheldon, Stanhope, Tilley, Underhill, "
    "Wainwright, Whitlock, Winslow, Yardley",
)
GREEK = Culture(
    "el",
    8,
    0.3,
    "Anastasia, Angeliki, Despina, Dimitra, Eleni, Evangelia, Georgia, Irini, Katerina, Konstantina, Maria, Sofia, "
    "Stavroula, Theodora, Vasiliki, Zoi",
    "Anastasios, Andreas, Christos, Dimitrios, Evangelos, Georgios, Ioannis, Konstantinos, Michalis, Nikolaos, "
    "Panagiotis, Petros, Spyros, Stavros, Theodoros, Vasilis",
    "Anagnostou, Argyros, Christou, Dimas, Economou, Galanis, Hatzis, Kalogeras, Karras, Kontos, Lambrou, Manos, "
    "Nikolaidis, Panagos, Pappas, Raptis, Samaras, Tsakiris, Vlahos, Zervas",
)
ITALIAN = Culture(
    "it",
    7,
    0.2,
    "Alessia, Angela, Antonella, Bianca, Carla, Caterina, Chiara, Francesca, Giulia, Giuseppina, Lucia, Paola, "
    "Rosa, Silvana, Teresa, Vittoria",
    "Alessandro, Angelo, Antonio, Carlo, Domenico, Enzo, Francesco, Giovanni, Giuseppe, Luca, Marco, Paolo, Pietro, "
    "Salvatore, Stefano, Vincenzo",
    "Amato, Barone, Basile, Bellini, Caruana, Conti, De Angelis, Di Marco, Ferrara, Gentile, Grasso, La Rosa, "
    "Lombardi, Mancuso, Marchetti, Pellegrino, Rizzo, Sorrentino, Testa, Vitale",
)
VIETNAMESE = Culture(
    "vi",
    8,
    0.4,
    "Anh, Bich Ngoc, Chi, Diep, Hanh, Hoa, Huong, Kim Lien, Lan, Linh, Mai, My Dung, Ngoc Anh, Phuong, Thi Hong, "
    "Thu Ha, Trang, Tuyet, Xuan, Yen",
    "Anh Tuan, Bao, Cuong, Dat, Duc, Hai, Hieu, Hoang, Hung, Khoa, Long, Minh, Nam, Phuc, Quang, Son, Thanh, Tien, "
    "Trung, Van Hai",
    "Bui, Dang, Dinh, Do, Duong, Ho, Hoang, Huynh, Lam, Le, Luong, Ly, Mai, Ngo, Nguyen, Pham, Phan, Tran, Trinh, Vo",
)
CHINESE = Culture(
    "zh",
    9,
    0.45,
    "Fangfang, Hui Min, Jiaqi, Lihua, Lili, Meiling, Mengyao, Qian, Shu Fen, Siyu, Xiaoyan, Xinyi, Ying, Yuting, "
    "Yun, Zhen",
    "Bo, Chun Kit, Guoqiang, Haoran, Jianguo, Jun, Kai, Ka Ming, Lei, Ming, Peng, Tao, Weiming, Yang, Yichen, Zhiqiang",
    "Cai, Chan, Chen, Cheung, Fang, Gao, Guo, He, Huang, Jiang, Lau, Li, Lin, Liu, Luo, Tang, Wang, Wong, Xu, Zhang, "
    "Zhao, Zhou",
)
ARABIC = Culture(
    "ar",
    6,
    0.35,
    "Aisha, Amal, Dalal, Farah, Fatima, Hanan, Iman, Jamila, Lamia, Layla, Mariam, Mona, Nadia, Noor, Rania, Salma, "
    "Yasmin, Zeinab",
    "Abdul Rahman, Adel, Ahmad, Ali, Bassam, Faisal, Hadi, Hassan, Ibrahim, Jamal, Karim, Khaled, Mahmoud, Mustafa, "
    "Omar, Samir, Tarek, Youssef",
    "Abboud, Aziz, Bazzi, Daher, El Amin, El Khoury, Farhat, Ghanem, Habib, Hajjar, Issa, Jaber, Kanaan, Khalil, "
    "Mansour, Nasser, Rahal, Saab, Taleb, Yazbek",
)
GERMAN = Culture(
    "de",
    4,
    0.45,
    "Anke, Brigitte, Christa, Elke, Frieda, Gerda, Greta, Heike, Ingrid, Jutta, Katrin, Lena, Monika, Sabine, Ursula, "
    "Wiebke",
    "Bernd, Dieter, Ernst, Friedrich, Günther, Hans-Peter, Heinz, Horst, Jürgen, Karl, Klaus, Lars, Manfred, Otto, "
    "Rolf, Uwe",
    "Albrecht, Baumann, Brandt, Dietrich, Eberhardt, Fuchs, Gerlach, Hartmann, Hoffmann, Jäger, Kessler, Köhler, "
    "Lindner, Möller, Pfeiffer, Rademacher, Schäfer, Seidel, von Rahden, Winkler",
)
INDIAN = Culture(
    "hi",
    6,
    0.0,
    "Aditi, Anjali, Deepa, Divya, Gurpreet, Indira, Kavita, Lakshmi, Meera, Neha, Pooja, Priya, Rekha, Shreya, "
    "Sunita, Usha",
    "Aarav, Ajay, Amit, Arjun, Dev, Harpreet, Karthik, Manoj, Nikhil, Prakash, Rahul, Rajesh, Sanjay, Suresh, "
    "Varun, Vikram",
    "Acharya, Bhatt, Chaudhary, Desai, Gill, Gupta, Iyer, Joshi, Kaur, Kulkarni, Mehta, Menon, Nair, Patel, Rao, "
    "Reddy, Sandhu, Sharma, Subramaniam, Verma",
)
SPANISH = Culture(
    "es",
    2,
    0.5,
    "Alba, Beatriz, Carmen, Dolores, Inés, Luisa, Pilar, Rocío, Teresa, Ximena",
    "Álvaro, Diego, Esteban, Gonzalo, Joaquín, José, Manuel, Rafael, Ramón, Tomás",
    "Aguilar, Cabrera, Delgado, Fuentes, Herrera, Ibáñez, Molina, Peña, Quintana, Salazar",
)
FRENCH = Culture(
    "fr",
    2,
    0.4,
    "Agnès, Aurélie, Camille, Céline, Élodie, Hélène, Margaux, Odile, Solène, Véronique",
    "Antoine, Benoît, Étienne, François, Gaspard, Jean-Luc, Mathieu, Olivier, Rémi, Yves",
    "Beaumont, Chevalier, Delacour, Fontaine, Garnier, Lacroix, Marchand, Perrin, Rousseau, Tessier",
)
CULTURES = (ENGLISH, GREEK, ITALIAN, VIETNAMESE, CHINESE, ARABIC, GERMAN, INDIAN, SPANISH, FRENCH)

SHORT = {
    "Alexander": "Alex", "Angeliki": "Angie", "Anastasios": "Tas", "Christopher": "Chris", "Deborah": "Deb",
    "Dimitrios": "Jim", "Elizabeth": "Liz", "Georgios": "George", "Giovanni": "John", "Giuseppe": "Joe",
    "Ioannis": "John", "Konstantinos": "Con", "Margaret": "Maggie", "Matilda": "Tilly", "Panagiotis": "Peter",
    "Patricia": "Trish", "Samuel": "Sam", "Stavroula": "Voula", "Thomas": "Tom", "Vincenzo": "Vince",
    "William": "Bill", "Zeinab": "Zee",
}  # fmt: skip
HAN = {
    "Fangfang": "芳芳", "Jianguo": "建国", "Lihua": "丽华", "Meiling": "美玲", "Weiming": "伟明",
    "Xiaoyan": "晓燕", "Xinyi": "欣怡", "Zhiqiang": "志强",
}  # fmt: skip
WESTERN = (("Amy", "Annie", "Jenny", "Sunny", "Vivian"), ("Eric", "Jason", "Kelvin", "Raymond", "Tony"))


def given_name(chance: Chance, culture: Culture, female: bool, taken: tuple[str, ...] = ()) -> str:
    """Return a given name that nobody else in the household has."""
    pool = culture.women if female else culture.men
    return chance.pick([name for name in pool if name not in taken])


def middle_name(chance: Chance, culture: Culture, female: bool, given: str) -> str:
    """Return a second given name, where the culture has such and the person does."""
    custom = culture not in (CHINESE, VIETNAMESE, INDIAN)
    return given_name(chance, culture, female, (given,)) if chance.share(0.3) and custom else ""


def preferred_name(chance: Chance, culture: Culture, given: str) -> str:
    """Return what the person wants to be called, mostly nothing: a short form, a Western name, or 汉字."""
    if given in HAN and chance.share(0.3):
        return HAN[given]
    if culture in (CHINESE, VIETNAMESE):
        return chance.pick(WESTERN[given in culture.men]) if chance.share(0.2) else ""
    return SHORT[given] if given in SHORT and chance.share(0.6) else ""


def plain(name: str) -> str:
    """Return a name as an e-mail address would spell it.

    >>> plain("O'Brien"), plain("Günther"), plain("Thi Hong")
    ('obrien', 'gunther', 'thihong')
    """
    letters = unicodedata.normalize("NFKD", name).lower()
    return "".join(letter for letter in letters if letter.isascii() and letter.isalnum())
