"""Reviews of movies and of places, as Hugging Face has them.

``rotten_tomatoes``: Pang & Lee, "Seeing Stars", ACL 2005, https://aclanthology.org/P05-1015.
``yelp_review_full``: Zhang, Zhao & LeCun, "Character-level Convolutional Networks for Text
Classification", NeurIPS 2015, https://arxiv.org/abs/1509.01626.
"""

from mtl_cli.dataset.texts.base import TextSources


class ReviewsHub(TextSources):
    """``movie`` is binary, ``yelp`` has three classes: one or two stars, three, four or five.

    The splits are the datasets' own; what of val and test they lack is drawn from train.
    See `TextSources`.
    """
