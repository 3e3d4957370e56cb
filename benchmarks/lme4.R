# The peer in R: Rscript lme4.R FOLDER fits lme4's REML estimate to the raw columns that corpora.py wrote there.
# The time is that of lmer() alone, with the data in memory. The last line of standard output is JSON.
suppressPackageStartupMessages(library(lme4))
folder <- commandArgs(trailingOnly = TRUE)[1]
features <- sub("[.]f64$", "", setdiff(list.files(folder, "[.]f64$"), "popularity.f64"))
column <- function(name, kind, size) {
  path <- file.path(folder, name)
  readBin(path, kind, n = file.size(path) / size, size = size, endian = "little")
}
grouping <- function(name) {
  codes <- column(name, "integer", 4)
  structure(codes, levels = as.character(seq_len(max(codes))), class = "factor")
}
tracks <- lapply(setNames(c("popularity", features), c("popularity", features)),
                 function(name) column(paste0(name, ".f64"), "double", 8))
tracks$subgenre <- grouping("subgenre.i32")
tracks$artist <- grouping("artist.i32")
tracks <- structure(tracks, class = "data.frame", row.names = .set_row_names(length(tracks[[1]])))
formula <- as.formula(paste("popularity ~", paste(features, collapse = " + "), "+ (1 | subgenre) + (1 | artist)"))
message(format(Sys.time()), " read ", nrow(tracks), " tracks of ", nlevels(tracks$artist), " artists")
# Without the derivatives at the optimum, which check it but do not change it, lmer is faster.
seconds <- system.time(
  fit <- lmer(formula, tracks, REML = TRUE, control = lmerControl(calc.derivs = FALSE))
)[["elapsed"]]
sds <- as.data.frame(VarCorr(fit))
value <- function(group) sds$sdcor[sds$grp == group]
cat(sprintf(
  '{"seconds": %.3f, "sigma": %.6f, "tau": %.6f, "tau_genre": %.6f, "evaluations": %d, "versions": "R %s.%s, lme4 %s, %s"}\n',
  seconds, value("Residual"), value("artist"), value("subgenre"), fit@optinfo$feval,
  R.version$major, R.version$minor, packageVersion("lme4"), basename(extSoftVersion()[["BLAS"]])
))
