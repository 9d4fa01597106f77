"""From a ladder's files to its working parts, checked as far as can be before anything is asked."""
