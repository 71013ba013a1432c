//! Published claims as recipes with scales, controls and verdicts.
