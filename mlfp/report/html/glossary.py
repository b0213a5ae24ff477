"""What the numbers mean, a line each, for the metrics that a result has."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: A pattern for a metric's name without its evaluation, and what it says; ``{}`` is the number in the name.
_MEANINGS = (
    (r"map_at_r", "Mean average precision at R: how purely a query's own scans fill the top of its ranking, where R is "
     "how many it has (Musgrave et al.)."),
    (r"precision_at_1|hit_at_1", "Share of queries whose nearest scan shows their subject."),
    (r"r_precision", "Share of a query's own scans among the R nearest, where R is how many it has."),
    (r"hit_at_(\d+)", "Share of queries with a scan of their subject among the {} nearest."),
    (r"map_at_(\d+)_min", "Mean average precision of the {0} nearest, divided by the smaller of {0} and the scans to "
     "find."),
    (r"map_at_(\d+)_k", "Mean average precision of the {0} nearest, divided by {0}."),
    (r"map_at_(\d+)_relevant", "Mean average precision of the {} nearest, divided by the scans to find."),
    (r"map_at_(\d+)_hits", "Mean average precision of the {} nearest, divided by those found."),
    (r"mrr", "Mean of 1 / the place of the nearest scan of the query's subject."),
    (r"recall_at_k_shot", "Share of a query's supports among the K nearest of all supports of an episode (Few-Shot "
     "Fingerprinting's Recall@K)."),
    (r"roc_auc", "Chance that two scans of one subject are more alike than two of different subjects."),
    (r"eer", "Equal error rate: the threshold at which as many pairs of one subject are missed as pairs of two are "
     "taken for one; lower is better."),
    (r"tar_at_fmr.*", "Share of pairs of one subject that are accepted, where the named share of pairs of two is."),
    (r"dir_val_threshold.*", "Share of known subjects found at once at the threshold that gave the named share of "
     "alarms on the validation side."),
    (r"fpir_val_threshold.*", "Share of unknown subjects that raise an alarm here, at the threshold that gave the "
     "named share on the validation side; far from it, thresholds do not carry over."),
    (r"fnmr", "Share of pairs of one subject that are missed at the threshold at which a set share of pairs of two are "
     "taken for one."),
    (r"(fnmr|fmr|hit_at_1|accepted_hit_at_1)_gap_.*", "Difference of {0} between the groups where it is highest and "
     "lowest, at one threshold for all."),
    (r"accepted_hit_at_1", "Share of queries whose nearest scan shows their subject and is more alike than the "
     "threshold for all."),
    (r"dir_at_fpir.*", "Share of known subjects found at once, where the named share of unknown ones raises an alarm."),
    (r"fmr", "Share of pairs of different subjects that are taken for one, at one threshold for all; lower is better."),
    (r"separation", "miesd / miasd: how much further apart subjects lie than their own scans do."),
    (r"adjusted_rand", "How well a clustering of the fingerprints finds the subjects: 1 is perfect, 0 is chance."),
    (r"images_per_second", "Prepared scans that are described in a second, on the machine named below."),
    (r"ms_per_query", "Milliseconds in which a scan that is described is compared with the whole gallery."),
    (r"bytes_per_scan", "What is kept of each scan, to be found by."),
    (r"lone_queries", "Share of queries whose subject has no other scan to find; they are in no other figure."),
    (r"left_out_subjects", "Share of subjects with too few scans for an episode."),
    (r"alarms", "How many readings of the shortcut panel speak against the method; none is best."),
    (r"nearest_stranger_same_site", "Share of queries whose nearest scan of another subject is of the same site."),
    (r"hit_at_1_same_site_gallery", "Share of queries that find their subject at once where all others in the gallery "
     "are of the same site."),
    (r"hit_at_1_cross_site", "Share of queries that find their subject at once among its scans of other sites."),
    (r"site_probe", "How well a linear classifier reads the site off the fingerprints of subjects it has not seen."),
    (r"hit_at_1_outline_only", "Share of queries that find their subject at once where nothing but the outline shows."),
    (r"hit_at_1_outline_cut", "Share of queries that find their subject at once after their outline was cut anew."),
    (r"hit_at_1_of_(outline|header)", "What comparing by the {} alone reaches."),
    (r"hit_at_1_kin", "Share of queries that find their subject at once among kin (twins, families)."),
    (r"(rotation|shift|scale|noise|bias|negative|gamma|blur|resolution|crop|skull_strip)", "What is left of the "
     "accuracy under {}, averaged over the amounts of its curve."),
    (r"miasd", "Mean distance of a subject's scans to their middle; lower is tighter."),
    (r"miesd", "Mean distance between the middles of different subjects; higher is further apart."),
)  # fmt: skip


def meanings(names: Iterable[str]) -> dict[str, str]:
    """Of each metric that is known here what it says, by its name without the evaluation."""
    found = {}
    for name in dict.fromkeys(full.partition(".")[2].partition("[")[0] for full in names):
        plain = name.removesuffix("_matched")
        for pattern, said in _MEANINGS:
            match = re.fullmatch(pattern, plain)
            if match:
                matched = " Pairs of different subjects agree in sex and age, where these are known."
                found[name] = said.format(*match.groups()) + (matched if name != plain else "")
                break
    return found
