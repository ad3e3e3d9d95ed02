"""The benchmark suites as gymnasium environments that show pixels, and how they are rendered."""
