"""Data sets in the layouts in which they are handed out, made of phantoms and patterns; tests get it by ``trees``."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from mlfp_plugins.datasets.phantom import Phantom
from PIL import Image
from scipy import ndimage

CONTRASTS = {"t1": "T1", "t1ce": "PD", "t2": "T2", "flair": "FLAIR"}
CHEST_COLUMNS = (
    "Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "Patient Gender", "View Position",
    "OriginalImage[Width", "Height]", "OriginalImagePixelSpacing[x", "y]",
)  # fmt: skip


@functools.cache
def phantom(subject: int, session: int = 0, modality: str = "T1") -> tuple[np.ndarray, np.ndarray]:
    """Voxels (I, J, K) and affine of a coarse synthetic head."""
    source = Phantom(subjects=64, sessions=8, modalities=tuple(CONTRASTS.values()), spacing=5.0)
    volume = source.read({"scan": f"P{subject:04d}_S{session}_{modality}"})
    return volume.data[0], volume.affine


def write(path: Path, subject: int, session: int = 0, modality: str = "T1") -> Path:
    """A phantom as NIfTI, packed or not by its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data, affine = phantom(subject, session, modality)
    image = nib.Nifti1Image(data, affine)
    if path.name == path.name.lower() or path.suffix in (".nii", ".gz"):
        nib.save(image, path)
    else:  # nibabel wants lower case
        lower = path.with_name(path.name.lower())
        nib.save(image, lower)
        lower.rename(path)
    return path


def brats2021(top: Path, subjects: int = 5) -> Path:
    """``BraTS2021_00000/BraTS2021_00000_t1.nii.gz`` and so on, with a segmentation beside them."""
    for subject in range(subjects):
        name = f"BraTS2021_{subject:05d}"
        for contrast, modality in CONTRASTS.items():
            write(top / name / f"{name}_{contrast}.nii.gz", subject, 0, modality)
        write(top / name / f"{name}_seg.nii.gz", subject)
    return top


def chest(top: Path, patients: int = 12, each: int = 2, size: int = 48, folders: int = 2) -> Path:
    """``images_001/images/00000001_000.png``, NIH's tables, and Packhaeuser's in ``csv_files``."""
    rows, sides = [], {}
    for patient in range(1, patients + 1):
        for follow_up in range(each if patient % 4 else 1):
            name = f"{patient:08d}_{follow_up:03d}.png"
            folder = top / f"images_{patient % folders + 1:03d}" / "images"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(_pattern(patient, follow_up, size)).save(folder / name)
            rows.append([name, "No Finding", follow_up, patient, 50 + follow_up, "M", "PA", 2500, 2048, 0.168, 0.168])
            sides[name] = "test" if patient % 3 == 0 else "validation" if patient % 3 == 1 and patient > 9 else "train"
    entries = pd.DataFrame(rows, columns=CHEST_COLUMNS)
    entries.to_csv(top / "Data_Entry_2017_v2020.csv", index=False)
    for name, chosen in (("train_val_list.txt", ("train", "validation")), ("test_list.txt", ("test",))):
        (top / name).write_text("\n".join(scan for scan, side in sides.items() if side in chosen) + "\n", "utf-8")
    (top / "csv_files").mkdir()
    alone = ~entries["Patient ID"].duplicated(keep=False)
    for side in ("train", "validation", "test"):
        mine = entries["Image Index"].map(sides) == side
        entries[mine & ~alone].to_csv(top / "csv_files" / f"{side}.csv")
        entries[mine & alone].to_csv(top / "csv_files" / f"{side}_single_files.csv")
    return top


def _pattern(patient: int, follow_up: int, size: int) -> np.ndarray:
    own, noise = (np.random.default_rng(seed).normal(size=(size, size)) for seed in ((patient,), (patient, follow_up)))
    smooth = ndimage.gaussian_filter(own, 4) * 8 + 0.5 * ndimage.gaussian_filter(noise, 2) * 4
    return np.clip(128 + 40 * smooth, 1, 255).astype(np.uint8)


def adni(top: Path, subjects: int = 5, days: Sequence[str] = ("2006-04-18", "2006-11-02", "2007-05-20")) -> Path:
    """``ADNI/002_S_0000/MPRAGE/2006-04-18_08_20_30.0/I10000/ADNI_002_S_0000_MR_MPRAGE_..._I10000.nii``; LONI's CSV."""
    rows = []
    for subject in range(subjects):
        name = f"{2 + subject % 3:03d}_S_{subject:04d}"
        for session, day in enumerate(days):
            image = f"I{10000 + 10 * subject + session}"
            folder = top / "ADNI" / name / "MPRAGE" / f"{day}_08_20_30.0" / image
            write(folder / f"ADNI_{name}_MR_MPRAGE_br_raw_20060418_1_S1_{image}.nii", subject, session)
            year, month, date = day.split("-")
            rows.append([image, name, "CN", "M", 70 + session, f"m{6 * session:02d}", "MRI", "MPRAGE", "Original",
                         f"{int(month)}/{int(date)}/{year}", "NiFTI", "11/24/2025"])  # fmt: skip
    columns = ["Image Data ID", "Subject", "Group", "Sex", "Age", "Visit", "Modality", "Description", "Type",
               "Acq Date", "Format", "Downloaded"]  # fmt: skip
    pd.DataFrame(rows, columns=columns).to_csv(top / "ADNI_collection.csv", index=False)
    return top


def bids(top: Path, subjects: int = 4, sessions: Sequence[str] = ("1", "2")) -> Path:
    """``sub-00/ses-1/anat/sub-00_ses-1_T1w.nii.gz``, with participants.tsv and scans.tsv."""
    for subject in range(subjects):
        name = f"sub-{subject:02d}"
        for place, session in enumerate(sessions or [""]):
            folder = top / name / f"ses-{session}" if session else top / name
            stem = f"{name}_ses-{session}" if session else name
            for suffix, modality in (("T1w", "T1"), ("FLAIR", "FLAIR")):
                write(folder / "anat" / f"{stem}_{suffix}.nii.gz", subject, place, modality)
            times = f"filename\tacq_time\nanat/{stem}_T1w.nii.gz\t{2015 + place}-03-0{subject + 1}T10:00:00\n"
            (folder / f"{stem}_scans.tsv").write_text(times, encoding="utf-8")
    (top / "dataset_description.json").write_text('{"Name": "made up", "BIDSVersion": "1.9.0"}', encoding="utf-8")
    lines = [f"sub-{subject:02d}\t{30 + subject}\tpatient\tn/a" for subject in range(subjects)]
    (top / "participants.tsv").write_text("\n".join(["participant_id\tage\tgroup\tsite", *lines]) + "\n", "utf-8")
    return top


def dicom(top: Path, subjects: int = 2, sessions: int = 2) -> Path:
    """A file a slice, in one folder and by numbers, of phantoms as an MR scanner writes them."""
    top.mkdir(parents=True, exist_ok=True)
    number = 0
    for subject in range(subjects):
        for session in range(sessions):
            for header in series(subject, session):
                header.save_as(top / f"{number:06d}", enforce_file_format=True)
                number += 1
    return top


def series(subject: int, session: int = 0, **changed: Any) -> list[Any]:
    """The headers, with pixels, of one series; sagittal from right to left, as many T1 are."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

    data, affine = phantom(subject, session)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    pixels = np.round(data / data.max() * 1000).astype(np.uint16)
    found = []
    for place in range(data.shape[0]):
        meta = FileMetaDataset()
        uid = f"1.2.826.0.1.{subject + 1}.{session + 1}"
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MRImageStorage, f"{uid}.1.{place + 1}"
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        header = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        plane = pixels[place, :, ::-1].T  # rows from top to bottom, columns from back to front
        corner = lps @ [place, 0, data.shape[2] - 1, 1]
        values = {
            "SOPClassUID": MRImageStorage, "SOPInstanceUID": f"{uid}.1.{place + 1}", "SeriesInstanceUID": f"{uid}.1",
            "StudyInstanceUID": uid, "PatientID": f"PAT{subject}", "PatientName": f"Doe^{subject}",
            "PatientBirthDate": "19500101", "PatientSex": "F", "StudyDate": f"20{10 + session}0131", "Modality": "MR",
            "SeriesDescription": "T1 MPRAGE", "InstitutionName": "General", "Rows": plane.shape[0],
            "Columns": plane.shape[1], "PixelSpacing": [5.0, 5.0], "SliceThickness": 5.0, "InstanceNumber": place + 1,
            "ImagePositionPatient": [float(value) for value in corner[:3]],
            "ImageOrientationPatient": [0.0, -1.0, 0.0, 0.0, 0.0, -1.0],
            "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16, "BitsStored": 16,
            "HighBit": 15, "PixelRepresentation": 0, "PixelData": plane.tobytes(), **changed,
        }  # fmt: skip
        for keyword, value in values.items():
            setattr(header, keyword, value)
        found.append(header)
    return found
